"""Signing keys: the two newest versions of a secret in a real Secrets Manager, taken over without a restart."""

from __future__ import annotations

import importlib.util
import secrets
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from uuid import uuid4

import boto3
import jwt
import pytest
from rest_framework.test import APIClient

from accounts import signing_keys, tokens
from accounts.signing_keys import KeyRing, KeysUnavailable, KeysUnreadableError

SECRET = "jwt-signing-key"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ring(monkeypatch, clock) -> KeyRing:
    """A process's keys as they are after its start."""
    made = KeyRing(signing_keys.read, clock=clock)
    made.load()
    monkeypatch.setattr("accounts.jwt.ring", made)
    return made


@pytest.fixture
def secret(monkeypatch, settings) -> Iterator[str]:
    """A secret for one test, as rotating leaves traces."""
    client = boto3.client("secretsmanager")
    arn = client.create_secret(Name=f"jwt-{secrets.token_hex(4)}", SecretString=secrets.token_urlsafe(48))["ARN"]
    settings.JWT_SIGNING_SECRET_ARN = arn
    yield arn
    client.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


def rotate(secret: str, value: str | None = None) -> str:
    """What a rotation ends with: a new current version, the old one kept as the previous. Returns the new id."""
    client = boto3.client("secretsmanager")
    put = client.put_secret_value(SecretId=secret, SecretString=value or secrets.token_urlsafe(48))
    return str(put["VersionId"])


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def me(pair: tokens.Pair) -> int:
    return APIClient().get("/api/v1/auth/me/", HTTP_AUTHORIZATION=f"Bearer {pair.access}").status_code


def test_the_key_id_is_the_versions(user, secret, ring) -> None:
    described = boto3.client("secretsmanager").describe_secret(SecretId=secret)
    assert list(described["VersionIdsToStages"]) == [kid(tokens.begin(user).access)]


def test_after_a_rotation_new_tokens_name_the_new_key_and_old_ones_are_still_good(user, secret, ring, clock) -> None:
    before = tokens.begin(user)
    new = rotate(secret)
    assert kid(tokens.begin(user).access) != new  # not read yet
    clock.now += signing_keys.REFRESH_SECONDS
    after = tokens.begin(user)
    assert kid(after.access) == kid(after.refresh) == new
    assert me(before) == me(after) == 200
    assert kid(tokens.exchange(before.refresh).refresh) == new


def test_tokens_two_rotations_old_are_refused(user, secret, ring, clock) -> None:
    before = tokens.begin(user)
    rotate(secret)
    rotate(secret)
    clock.now += signing_keys.REFRESH_SECONDS
    assert me(before) == 401
    assert APIClient().post("/api/v1/auth/refresh/", {"refresh": before.refresh}, format="json").status_code == 401


def test_a_key_that_another_process_saw_first_is_looked_up_at_once(user, secret, ring, clock, monkeypatch) -> None:
    rotate(secret)
    other = KeyRing(signing_keys.read)
    monkeypatch.setattr("accounts.jwt.ring", other)
    pair = tokens.begin(user)
    monkeypatch.setattr("accounts.jwt.ring", ring)
    assert me(pair) == 200


def test_made_up_key_ids_make_few_calls(user, secret, clock) -> None:
    calls = []

    def read() -> list[signing_keys.Key]:
        calls.append(clock.now)
        return signing_keys.read()

    ring = KeyRing(read, clock=clock)
    for _ in range(100):
        assert ring.find("made up") is None
    clock.now += signing_keys.RETRY_SECONDS
    ring.find("made up")
    assert len(calls) == 2


def test_while_secrets_manager_is_away_the_known_keys_go_on(user, secret, ring, clock, settings) -> None:
    before = tokens.begin(user)
    there, settings.JWT_SIGNING_SECRET_ARN = settings.JWT_SIGNING_SECRET_ARN, "no such secret"
    clock.now += signing_keys.REFRESH_SECONDS * 10
    assert me(before) == 200
    assert kid(tokens.begin(user).access) == kid(before.access)
    settings.JWT_SIGNING_SECRET_ARN = there
    new = rotate(secret)
    clock.now += signing_keys.RETRY_SECONDS
    assert kid(tokens.begin(user).access) == new


def test_a_server_that_does_not_answer_is_told_apart_from_a_bad_token(user, secret, ring, clock, monkeypatch) -> None:
    pair = tokens.begin(user)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:1")
    clock.now += signing_keys.REFRESH_SECONDS
    assert me(pair) == 200
    monkeypatch.setattr("accounts.jwt.ring", KeyRing(signing_keys.read, clock=clock))
    assert me(pair) == 503
    with pytest.raises(KeysUnavailable):
        tokens.begin(user)
    with pytest.raises(KeysUnreadableError):
        KeyRing(signing_keys.read).load()


def test_a_value_that_is_too_short_is_not_taken_over(user, secret, ring, clock) -> None:
    before = tokens.begin(user)
    rotate(secret, "short")
    clock.now += signing_keys.REFRESH_SECONDS
    assert kid(tokens.begin(user).access) == kid(before.access)
    with pytest.raises(KeysUnreadableError, match="fewer than 32"):
        KeyRing(signing_keys.read).load()


def test_a_key_is_not_shown(secret, ring) -> None:
    value = boto3.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    assert value not in repr(ring.current())


def function() -> ModuleType:
    """The rotation function as it is deployed."""
    path = Path(__file__).parents[3] / "infra" / "functions" / "rotate_signing_key.py"
    spec = importlib.util.spec_from_file_location("rotate_signing_key", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


def test_the_rotation_function_makes_a_new_current_version_and_keeps_the_old(user, secret, ring, clock) -> None:
    before, version = tokens.begin(user), str(uuid4())
    for step in STEPS:
        function().handler({"Step": step, "SecretId": secret, "ClientRequestToken": version}, None)
    found = signing_keys.read()
    assert [key.id for key in found] == [version, kid(before.access)]
    assert len(found[0].value) == 64
    assert found[0].value != found[1].value
    clock.now += signing_keys.REFRESH_SECONDS
    assert kid(tokens.begin(user).access) == version
    assert me(before) == 200


def test_a_step_of_a_rotation_that_comes_again_does_no_harm(secret) -> None:
    version, values = str(uuid4()), set()
    for step in STEPS:
        for _ in range(2):
            function().handler({"Step": step, "SecretId": secret, "ClientRequestToken": version}, None)
            stored = boto3.client("secretsmanager").get_secret_value(SecretId=secret, VersionId=version)
            values.add(stored["SecretString"])
    assert len(values) == 1
    with pytest.raises(ValueError, match="unknown step"):
        function().handler({"Step": "dropSecret", "SecretId": secret, "ClientRequestToken": str(uuid4())}, None)
