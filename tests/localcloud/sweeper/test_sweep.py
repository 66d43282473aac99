"""The sweeper on real servers: what it deletes, what it leaves, and that it may end anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from botocore.client import BaseClient

from infra.functions.preview_server import postgres
from infra.functions.preview_server.sweeper import in_account, index, sweep
from infra.functions.preview_server.sweeper.settings import Settings
from tests.localcloud.dataplane.conftest import eventually

from .account import Account

pytestmark = pytest.mark.localcloud

NOW = datetime.now(tz=UTC)
READS = ("Describe", "List", "Get", "Head")


class KilledError(BaseException):
    """What nothing in the sweeper catches, as it would not catch the end of its process."""


def _left(settings: Settings) -> dict[str, set[str]]:
    """Everything of every kind, by the preview that it belongs to."""
    found: dict[str, set[str]] = {}
    for kind in sweep.KINDS:
        for each in kind.all(settings):
            found.setdefault(each.owner, set()).add(f"{each.kind} {each.name}")
    return found


def _kinds_of(left: set[str]) -> set[str]:
    return {kind.name for kind in sweep.KINDS if any(each.startswith(kind.name) for each in left)}


@pytest.fixture
def stack(account: Account) -> Iterator[Callable[[str], str]]:
    made: list[str] = []

    def make(name: str) -> str:
        made.append(account.stack(name))
        eventually(lambda: _status(account, made[-1]) == "CREATE_COMPLETE")
        return made[-1]

    yield make
    for each in made:
        account.client("cloudformation").delete_stack(StackName=each)
        eventually(lambda each=each: _status(account, each) == "DELETE_COMPLETE")


def _status(account: Account, stack: str) -> str:
    return str(account.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])


def test_what_lost_its_preview_goes_and_nothing_else(
    account: Account, settings: Settings, stack: Callable[[str], str]
) -> None:
    stack("has-a-stack")
    account.keys.mset({"preview-template:seeded": "x", "preview:own": "x", "preview-gone-one": "x"})
    account.keep()
    others = set(account.keys.scan_iter())
    own = account.traces("own-part"), account.traces("preview-template")
    account.leave("gone-one")
    account.leave("has-a-stack")
    before = _left(settings)
    assert _kinds_of(before["gone_one"]) == {kind.name for kind in sweep.KINDS}
    report = sweep.sweep(settings, NOW)
    assert report.failed == []
    assert {f"{each.kind} {each.name}" for each in report.deleted} == before["gone_one"]
    assert _left(settings) == {"has_a_stack": before["has_a_stack"]}
    assert (account.traces("own-part"), account.traces("preview-template")) == own
    assert account.traces("gone-one") == ["b'preview-gone-one'"]  # a key that is nobody's: it lacks the colon
    kept = {f"preview-has-a-stack:{number}".encode() for number in range(700)}
    assert set(account.keys.scan_iter()) == others | kept
    assert report.orphaned == 0
    assert "secret" in index.as_text(report)
    again = sweep.sweep(settings, NOW)
    assert again.deleted == []
    assert index.as_text(again) == ""


def test_what_a_stack_retained_goes_by_the_names_that_cloudformation_gave(account: Account, settings: Settings) -> None:
    name = "feature-rec-0a1b2c"
    for reads, state in (("arn:aws:s3:::a/*", "CREATE_COMPLETE"), ("arn:aws:s3:::b/*", "UPDATE_COMPLETE")):
        stack = account.retained(name, reads=reads)
        eventually(lambda stack=stack, state=state: _status(account, stack) == state)
    stack_id = account.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
    account.client("cloudformation").delete_stack(StackName=stack)
    eventually(lambda: _status(account, stack_id) == "DELETE_COMPLETE")
    assert _kinds_of(_left(settings)["feature_rec_0a1b2c"]) == {"role", "policy", "log group"}
    assert sweep.sweep(settings, NOW).failed == []
    assert _left(settings) == {}
    assert account.traces(name) == []


def test_what_is_past_its_time_ends(account: Account, settings: Settings, stack: Callable[[str], str]) -> None:
    late, kept = stack("late"), stack("kept")
    account.client("cloudformation").update_termination_protection(StackName=kept, EnableTerminationProtection=True)
    soon = sweep.sweep(settings, NOW + timedelta(hours=65))
    assert (soon.warned, soon.ended) == (["late"], [])
    over = sweep.sweep(settings, NOW + timedelta(hours=73))
    assert over.ended == ["late"]
    eventually(lambda: _status(account, late) == "DELETE_COMPLETE")
    assert _status(account, kept) == "CREATE_COMPLETE"
    assert sweep.sweep(settings, NOW + timedelta(hours=340)).ended == ["kept"]
    eventually(lambda: _status(account, kept) == "DELETE_COMPLETE")


def test_what_cannot_be_deleted_is_said_and_the_rest_goes(account: Account, settings: Settings) -> None:
    account.leave("stuck")
    with _calls(lambda _number, name: _refuse(name == "DeleteUser")):
        report = sweep.sweep(settings, NOW)
    assert report.orphaned == 1
    assert report.failed[0].startswith("Valkey user preview-stuck: ")
    assert "Could not be deleted: Valkey user preview-stuck" in index.as_text(report)
    assert _kinds_of(_left(settings)["stuck"]) == {"Valkey user"}
    assert sweep.sweep(settings, NOW).orphaned == 0
    assert _left(settings) == {}


def test_a_target_group_that_goes_meanwhile_hides_no_other(account: Account) -> None:
    elbv2 = account.client("elbv2")
    arns = [
        elbv2.create_target_group(Name=name, Protocol="HTTP", Port=8000, VpcId=account.vpc, TargetType="ip")[
            "TargetGroups"
        ][0]["TargetGroupArn"]
        for name in ("stays", "goes")
    ]
    elbv2.delete_target_group(TargetGroupArn=arns[1])
    assert [each["ResourceArn"] for each in in_account._described(elbv2, arns)] == arns[:1]
    elbv2.delete_target_group(TargetGroupArn=arns[0])


def test_it_may_end_after_every_call_and_the_next_one_goes_on(account: Account, settings: Settings) -> None:
    account.leave("half-gone")
    before, sweeps = len(_left(settings)["half_gone"]), 0
    for _ in range(100):
        sweeps += 1
        try:
            with _calls(_kill_at_the_second):
                report = sweep.sweep(settings, NOW)
        except KilledError:
            continue
        assert report.failed == []
        break
    assert _left(settings) == {}
    assert account.traces("half-gone") == []
    assert sweeps > before, "some things take more than one call"


def _refuse(now: bool) -> None:
    if now:
        raise RuntimeError("refused for the test")


def _kill_at_the_second(number: int, _name: str) -> None:
    if number > 1:
        raise KilledError


@contextmanager
def _calls(before: Callable[[int, str], None]) -> Iterator[None]:
    """Calls `before` with the number and the name of each call of AWS's or statement that changes something."""
    count = 0

    def changes(name: str) -> None:
        nonlocal count
        count += 1
        before(count, name)

    call = BaseClient._make_api_call

    def asked(client: Any, name: str, parameters: Any) -> Any:
        if not name.startswith(READS):
            changes(name)
        return call(client, name, parameters)

    BaseClient._make_api_call = asked
    run = postgres.Connection.run

    def statement(link: Any, sql: str, *arguments: Any, **parameters: Any) -> Any:
        # ALTER, before a DROP, takes nothing away: it is said again as often as it is needed.
        if sql.split()[0] == "DROP":
            changes(sql)
        return run(link, sql, *arguments, **parameters)

    postgres.Connection.run = statement
    unlink = redis.Redis.unlink

    def unlinked(link: Any, *keys: Any) -> Any:
        changes("UNLINK")
        return unlink(link, *keys)

    redis.Redis.unlink = unlinked
    try:
        yield
    finally:
        redis.Redis.unlink = unlink
        postgres.Connection.run = run
        BaseClient._make_api_call = call
