"""The rotation of Valkey's passwords. Calls are held against the service models of Secrets Manager and ElastiCache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from infra.functions import rotate_valkey_password

SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:broker-AbCdEf"
OLD, NEW = "0" * 32, "1" * 32
USER = "spendsmart-prod-broker"


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Stubber]]:
    made = {
        name: boto3.client(name, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        for name in ("secretsmanager", "elasticache")
    }
    monkeypatch.setattr(boto3, "client", lambda name: made[name])
    monkeypatch.setattr(rotate_valkey_password.time, "sleep", lambda _: None)
    monkeypatch.setenv("USER_ID", USER)
    stubs = {name: Stubber(client) for name, client in made.items()}
    for stub in stubs.values():
        stub.activate()
    stubs["secretsmanager"].add_response(
        "describe_secret",
        {"VersionIdsToStages": {OLD: ["AWSCURRENT"], NEW: ["AWSPENDING"]}},
        {"SecretId": SECRET},
    )
    yield stubs
    for stub in stubs.values():
        stub.assert_no_pending_responses()


def _call(step: str, version: str = NEW) -> None:
    rotate_valkey_password.handler({"Step": step, "SecretId": SECRET, "ClientRequestToken": version}, None)


def _value(stubs: dict[str, Stubber], value: str, **asked: Any) -> None:
    stubs["secretsmanager"].add_response("get_secret_value", {"SecretString": value}, {"SecretId": SECRET, **asked})


def _user_is(stubs: dict[str, Stubber], status: str) -> None:
    stubs["elasticache"].add_response("describe_users", {"Users": [{"Status": status}]}, {"UserId": USER})


def test_a_new_password_is_long_enough_and_made_once(clients: dict[str, Stubber]) -> None:
    asked = {"SecretId": SECRET, "VersionId": NEW, "VersionStage": "AWSPENDING"}
    clients["secretsmanager"].add_client_error("get_secret_value", "ResourceNotFoundException", expected_params=asked)
    put = {"SecretId": SECRET, "ClientRequestToken": NEW, "SecretString": ANY, "VersionStages": ["AWSPENDING"]}
    clients["secretsmanager"].add_response("put_secret_value", {}, put)
    _call("createSecret")
    assert 16 <= rotate_valkey_password.BYTES * 4 // 3 <= 128


def test_running_tasks_stay_logged_in(clients: dict[str, Stubber]) -> None:
    """The user has both passwords until the next rotation; a user that is being changed is waited for."""
    _value(clients, "old", VersionStage="AWSCURRENT")
    _value(clients, "new", VersionId=NEW, VersionStage="AWSPENDING")
    _user_is(clients, "modifying")
    _user_is(clients, "active")
    clients["elasticache"].add_response("modify_user", {}, {"UserId": USER, "Passwords": ["old", "new"]})
    _call("setSecret")


def test_the_change_has_reached_the_user_before_tasks_read_it(clients: dict[str, Stubber]) -> None:
    _user_is(clients, "modifying")
    _user_is(clients, "active")
    _call("testSecret")


def test_a_user_that_stays_unready_fails_the_rotation(
    clients: dict[str, Stubber], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate_valkey_password, "PATIENCE_SECONDS", -1)
    _user_is(clients, "modifying")
    with pytest.raises(TimeoutError, match="modifying"):
        _call("testSecret")


def test_the_new_version_becomes_current(clients: dict[str, Stubber]) -> None:
    moved = {
        "SecretId": SECRET,
        "VersionStage": "AWSCURRENT",
        "MoveToVersionId": NEW,
        "RemoveFromVersionId": OLD,
    }
    clients["secretsmanager"].add_response("update_secret_version_stage", {}, moved)
    _call("finishSecret")


@pytest.mark.parametrize("step", ["createSecret", "setSecret", "testSecret", "finishSecret"])
def test_a_step_that_was_done_is_not_done_again(clients: dict[str, Stubber], step: str) -> None:
    _call(step, version=OLD)


def test_unknown_steps_are_refused(clients: dict[str, Stubber]) -> None:
    with pytest.raises(ValueError, match="unknown step"):
        _call("forget")
