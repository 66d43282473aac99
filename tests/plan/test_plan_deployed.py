"""What is deployed, read from the emulator by the API that AWS has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from plan.changes import Kind, compare
from plan.deployed import deployed
from plan.errors import PlanError
from preflight.assembly import Assembly
from tests.localcloud.emulator.conftest import deploy, emulator  # noqa: F401  (fixtures)
from tests.localcloud.emulator.support import Deploy, Emulator
from tests.plan.assemblies import assembly, resource

pytestmark = pytest.mark.localcloud


def queue(**properties: Any) -> Any:
    return resource("AWS::SQS::Queue", **properties)


@pytest.fixture
def credentials(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """The environment that `make env` prints."""
    root = json.loads((emulator.home / "secrets" / "root.json").read_text())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", root["access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", root["secret_access_key"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{emulator.port}")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(emulator.home / "tls" / "ca.pem"))


def named(made: Assembly, account: str | None = None) -> Assembly:
    for stack in made.stacks:
        stack.account = account
    return made


@pytest.mark.usefixtures("credentials")
def test_a_change_is_seen_against_what_is_deployed(deploy: Deploy) -> None:  # noqa: F811
    deploy("App-One", {"Queue": queue(VisibilityTimeout=30), "Old": queue()})
    after = named(assembly(One={"Queue": queue(VisibilityTimeout=60), "New": queue(DelaySeconds=5)}), "000000000000")
    found = compare(deployed(after), after)
    assert {(one.kind, one.resource.logical_id) for one in found.changes} == {
        (Kind.CHANGED, "Queue"),
        (Kind.ADDED, "New"),
        (Kind.DELETED, "Old"),
    }


@pytest.mark.usefixtures("credentials")
def test_what_is_not_deployed_is_all_new() -> None:
    after = named(assembly(Nowhere={"Queue": queue()}))
    assert [one.kind for one in compare(deployed(after), after).changes] == [Kind.ADDED]


@pytest.mark.usefixtures("credentials")
def test_a_stack_beside_ours_is_left_behind(deploy: Deploy) -> None:  # noqa: F811
    deploy("App-Gone", {"Queue": queue()})
    after = named(assembly(One={"Queue": queue()}, Two={"Queue": queue()}))
    assert [stack.name for stack in compare(deployed(after), after).left_behind] == ["App-Gone"]


@pytest.mark.usefixtures("credentials")
def test_credentials_of_another_account_are_refused() -> None:
    after = named(assembly(One={"Queue": queue()}), "123456789012")
    with pytest.raises(PlanError, match="of account 000000000000, the stacks go to 123456789012"):
        deployed(after)


@pytest.mark.usefixtures("credentials")
def test_an_endpoint_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://127.0.0.1:9")
    with pytest.raises(PlanError, match=r"cannot be read.*AGAINST_GIT"):
        deployed(named(assembly(One={"Queue": queue()})))
