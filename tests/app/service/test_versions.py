"""Two releases side by side, as during a rollout: each understands the messages and the kept values of the other.

The older one is what `app_src/RELEASED` names, run in processes of its own, with its own code, on the same servers.
"""

from __future__ import annotations

import inspect
import itertools
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.db import connection
from workers import APP, build_variables, until, worker

from accounts.signing_keys import ring
from spendsmart import broker
from spendsmart.celery import app

SCRIPT = Path(__file__).resolve().parents[1] / "previous" / "in_a_release.py"

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

Ask = Callable[..., Any]


@cache
def _asked(application: Path, what: str, arguments: str, database: str) -> str:
    # The key was a variable before the application read it itself.
    key = {"JWT_SIGNING_KEY": ring.current().value}
    variables = {**build_variables(application), **os.environ, **key, "DATABASE_NAME": database}
    done = subprocess.run(
        [sys.executable, SCRIPT, what, arguments], cwd=application, env={**variables, "DATABASE_READER_NAME": database},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def _asking(application: Path) -> Ask:
    def ask(what: str, *arguments: Any) -> Any:
        # What changes nothing is asked once.
        run = _asked if what in {"tasks", "scheduled", "extraction"} else _asked.__wrapped__
        return json.loads(run(application, what, json.dumps(arguments), connection.settings_dict["NAME"]))

    return ask


@pytest.fixture
def old(previous_release: Path) -> Ask:
    """What `in_a_release.py` answers in the previous release."""
    return _asking(previous_release / "app_src")


@pytest.fixture
def new() -> Ask:
    return _asking(APP)


@pytest.fixture
def old_app(previous_release: Path) -> Path:
    return previous_release / "app_src"


# ---- Messages ----
def _signature(parameters: list[list[Any]]) -> inspect.Signature:
    return inspect.Signature(
        [
            inspect.Parameter(
                name,
                inspect._ParameterKind(kind),
                default=None if has_default else inspect.Parameter.empty,
            )
            for name, kind, has_default in parameters
        ]
    )


def _calls(parameters: list[list[Any]]) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """Every way to call it: with and without each default, by position and by name."""
    required = [name for name, _, has_default in parameters if not has_default]
    optional = [name for name, _, has_default in parameters if has_default]
    for count in range(len(optional) + 1):
        for chosen in itertools.combinations(optional, count):
            yield [], dict.fromkeys([*required, *chosen])
            if list(chosen) == optional[:count]:
                yield [None] * (len(required) + count), {}


def not_understood(sent: dict[str, list[list[Any]]], received: dict[str, list[list[Any]]]) -> list[str]:
    """The tasks that both have, of which one release makes calls that the other does not take."""
    found = []
    for name in sent.keys() & received.keys():
        signature = _signature(received[name])
        try:
            for arguments, keywords in _calls(sent[name]):
                signature.bind(*arguments, **keywords)
        except TypeError as error:
            found.append(f"{name}: {error}")
    return found


def test_every_message_of_the_previous_release_is_understood(old: Ask, new: Ask) -> None:
    sent, received = old("tasks"), new("tasks")
    assert sent.keys() <= received.keys()
    assert not_understood(sent, received) == []


def test_the_previous_release_understands_every_message_of_a_task_that_it_knows(old: Ask, new: Ask) -> None:
    assert not_understood(new("tasks"), old("tasks")) == []


SENT_AGAIN_BY = {"receipts.tasks.reread": "receipts.tasks.sweep"}
"""Tasks that beat does not send, and whose message is sent again by another when it is lost."""


def test_a_message_that_the_previous_release_discards_is_sent_again(old: Ask, new: Ask, old_app: Path) -> None:
    if (old_app / "spendsmart" / "consumer.py").exists():
        return  # it leaves to us what it does not know
    unknown = new("tasks").keys() - old("tasks").keys()
    periodic = new("scheduled")
    assert {name for name in unknown if SENT_AGAIN_BY.get(name, name) not in periodic} == set()


def test_a_changed_signature_is_noticed() -> None:
    now, then = [["receipt_id", 1, False], ["queue", 1, False]], [["receipt_id", 1, False]]
    assert not_understood({"t": then}, {"t": now})
    assert not_understood({"t": now}, {"t": then})
    assert not_understood({"t": then}, {"t": [["id", 1, False]]})
    assert not not_understood({"t": then}, {"t": [["receipt_id", 1, False], ["queue", 1, True]]})


def _done() -> bool:
    """Nothing waits, nothing is being done."""
    return broker.messages() == 0 and broker.client().hlen("unacked") == 0


def _samples(tasks: dict[str, list[list[Any]]], *, of: set[str]) -> list[list[Any]]:
    """A message of each task for each queue; the ids are nobody's."""
    values = {"receipt_id": str(uuid.uuid4())}
    return [
        [name, [values[parameter] for parameter, _, has_default in tasks[name] if not has_default], queue]
        for name in sorted(of)
        for queue in settings.QUEUES
    ]


def _succeeded(log: str, name: str) -> int:
    return sum(name in line and "succeeded" in line for line in log.splitlines())


def test_a_worker_does_what_the_previous_release_sends(old: Ask, tmp_path: Path) -> None:
    tasks = old("tasks")
    with worker(tmp_path) as running:
        old("send", _samples(tasks, of=set(tasks)))
        until(_done, among=(running,))
    log = running.log.read_text()
    assert {name: _succeeded(log, name) for name in tasks} == dict.fromkeys(tasks, len(settings.QUEUES)), log


def test_a_worker_of_the_previous_release_does_what_we_send(old: Ask, new: Ask, old_app: Path, tmp_path: Path) -> None:
    tasks = new("tasks")
    known = tasks.keys() & old("tasks").keys()
    with worker(tmp_path, application=old_app) as running:
        new("send", _samples(tasks, of=known))
        until(_done, among=(running,))
    log = running.log.read_text()
    assert {name: _succeeded(log, name) for name in known} == dict.fromkeys(known, len(settings.QUEUES)), log


# ---- Messages of tasks that only a later release has ----
LATER = """
from celery import shared_task
from pathlib import Path

@shared_task(name="later.write")
def write(path):
    Path(path).write_text("done")
"""
AS_A_LATER_RELEASE = """
import os, sys
from spendsmart import worker
os.execv(sys.executable, [*worker.command(), "--include", "later"])
"""


def test_a_message_of_a_later_release_is_left_to_its_workers(tmp_path: Path) -> None:
    (tmp_path / "later.py").write_text(LATER)
    written = tmp_path / "written"
    with worker(tmp_path, "ours") as ours:
        app.send_task("later.write", [str(written)], queue="bulk")
        until(lambda: '"returns": 2' in ours.log.read_text(), among=(ours,))
        path = f"{APP}:{tmp_path}"
        with worker(tmp_path, "later", arguments=("-c", AS_A_LATER_RELEASE), PYTHONPATH=path) as later:
            until(written.exists, among=(ours, later))
    assert "unregistered" not in ours.log.read_text()


def test_what_nobody_knows_stands_in_nobodys_way(tmp_path: Path) -> None:
    with worker(tmp_path) as ours:
        for _ in range(5):
            app.send_task("later.write", ["x"], queue="bulk")
        until(lambda: ours.log.read_text().count("task_left_to_others") >= 5, among=(ours,))
        app.send_task("analytics.tasks.sweep_budgets", queue="bulk")
        until(lambda: _succeeded(ours.log.read_text(), "analytics.tasks.sweep_budgets"), among=(ours,))


def test_what_has_expired_is_not_kept(tmp_path: Path) -> None:
    with worker(tmp_path) as ours:
        app.send_task("later.write", ["x"], queue="bulk", expires=datetime.now(UTC) + timedelta(seconds=1))
        until(_done, among=(ours,))
        until(lambda: "unregistered" in ours.log.read_text(), among=(ours,))


# ---- Values that are kept ----
def _holds(whole: Any, part: Any) -> bool:
    """Whether everything in `part` is in `whole`, which may have more fields."""
    if isinstance(part, dict):
        return part.keys() <= whole.keys() and all(_holds(whole[name], value) for name, value in part.items())
    if isinstance(part, list):
        return len(part) == len(whole) and all(map(_holds, whole, part))
    return bool(whole == part)


def test_a_reading_that_the_previous_release_kept_is_read(old: Ask, new: Ask) -> None:
    kept = old("extraction")
    assert _holds(new("read", kept), kept)


def test_the_previous_release_reads_a_reading_that_we_kept(old: Ask, new: Ask) -> None:
    kept = new("extraction")
    found = old("read", kept)
    assert _holds(kept, found)
    assert found.keys() == old("extraction").keys()


def test_each_release_works_with_what_the_other_has_left_in_cache_and_broker(bucket: str, old: Ask, new: Ask) -> None:
    first = old("use", "ann@example.com")
    assert set(first.values()) <= {200, 201, 400, 401}
    others = [release("use", "ann@example.com") for release in (new, old, new)]
    assert others == [first] * 3


def test_each_release_reads_the_limits_as_the_other_keeps_them(old: Ask, new: Ask) -> None:
    granted = [0.0, 0.0, True, "closed"]
    assert [release("limit", name) for release, name in ((new, "a"), (old, "b"), (new, "c"))] in (
        [granted, granted, granted],
        [granted, [], granted],  # a release that has none
    )


# ---- Tokens ----
def test_a_session_of_one_release_goes_on_in_the_other(old: Ask, new: Ask) -> None:
    assert new("go_on", old("log_in", "ann@example.com")) == [200, 200]
    assert old("go_on", new("log_in", "bob@example.com")) == [200, 200]


def test_tokens_that_name_no_key_are_taken_no_longer_than_needed(old: Ask) -> None:
    """Fails when the previous release names its keys: then `accounts.jwt` has to refuse who does not."""
    assert "kid" not in jwt.get_unverified_header(old("log_in", "ann@example.com")["access"])
