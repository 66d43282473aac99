"""Valkey servers as replication groups: TLS, users, memory, parameters, crashes."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import valkey

from localcloud import tls
from localcloud.dataplane import status
from localcloud.dataplane.elasticache.server import ValkeyServer
from localcloud.dataplane.elasticache.tls_front import TlsFront
from localcloud.dataplane.errors import PartError
from localcloud.dataplane.keeper import Keeper
from localcloud.dataplane.specs import ValkeySpec, ValkeyUser

from .conftest import BASE_PORT, eventually

pytestmark = pytest.mark.localcloud

USER = ValkeyUser(username="broker", access_string="on ~* &* +@all -flushall", passwords=("correct-horse-battery",))
SPEC = ValkeySpec(
    group_id="broker",
    port=BASE_PORT + 150,
    memory=64 * 1024**2,
    users=(USER,),
    parameters={"maxmemory-policy": "noeviction", "reserved-memory-percent": "50"},
)


@dataclass(kw_only=True)
class Group:
    keeper: Keeper[ValkeySpec]
    front: Keeper[None]


def _said(name: str = "elasticache-broker") -> dict[str, Any]:
    kind, _, rest = name.partition("-")
    said: dict[str, Any] = json.loads(status.path(kind, rest).read_text())
    return said


@pytest.fixture(scope="module")
def group(state: Path) -> Iterator[Group]:
    front = TlsFront()
    found = Group(
        front=Keeper(kind="envoy", name="valkey", part=front, spec=None),
        keeper=Keeper(kind="elasticache", name="broker", part=ValkeyServer("broker", front=front), spec=SPEC),
    )
    try:
        eventually(lambda: _said()["status"] == "available", within=20)
        yield found
    finally:
        for keeper in (found.keeper, found.front):
            keeper.stop()
            keeper.join()


def _client(*, username: str = "broker", password: str = USER.passwords[0], **more: Any) -> valkey.Valkey:
    return valkey.Valkey(
        host="127.0.0.1",
        port=SPEC.port,
        username=username,
        password=password,
        ssl=True,
        ssl_ca_certs=str(tls.material().authority),
        socket_timeout=3,
        **more,
    )


def test_the_groups_user_works_over_tls(group: Group) -> None:
    with _client() as client:
        client.set("greeting", "hello")
        assert client.get("greeting") == b"hello"
        assert client.info("memory")["maxmemory"] == 32 * 1024**2
        assert client.info("memory")["maxmemory_policy"] == "noeviction"


def test_wrong_users_passwords_and_plain_text_are_refused(group: Group) -> None:
    with _client(password="wrong") as client, pytest.raises(valkey.exceptions.AuthenticationError):
        client.ping()
    with _client(username="default", password="") as client, pytest.raises(valkey.exceptions.AuthenticationError):
        client.ping()
    plain = valkey.Valkey(host="127.0.0.1", port=SPEC.port, socket_timeout=3)
    with plain, pytest.raises(valkey.exceptions.ConnectionError):
        plain.ping()


@pytest.mark.parametrize("command", [("CONFIG", "GET", "*"), ("ACL", "SETUSER", "x"), ("SHUTDOWN",), ("FLUSHALL",)])
def test_rights_end_where_access_string_and_elasticache_say(group: Group, command: tuple[str, ...]) -> None:
    with _client() as client, pytest.raises(valkey.exceptions.NoPermissionError):
        client.execute_command(*command)


def test_users_change_without_a_restart(group: Group) -> None:
    pid = _said()["pid"]
    group.keeper.want(replace(SPEC, users=(replace(USER, passwords=("another-long-password",)),)))

    def changed() -> bool:
        with _client(password="another-long-password") as client:
            return bool(client.ping())

    eventually(changed)
    with _client() as client, pytest.raises(valkey.exceptions.AuthenticationError):
        client.ping()
    group.keeper.want(SPEC)
    eventually(lambda: _client().ping())
    assert _said()["pid"] == pid


def test_memory_is_bounded(group: Group) -> None:
    with _client() as client, pytest.raises(valkey.exceptions.OutOfMemoryError):
        for number in range(40):
            client.set(f"filling-{number}", b"x" * 1024**2)
    with _client() as client:
        client.delete(*client.scan_iter("filling-*"))


def test_a_parameter_change_keeps_the_data(group: Group) -> None:
    _client().set("kept", "1")
    group.keeper.want(replace(SPEC, parameters={**SPEC.parameters, "maxmemory-policy": "allkeys-lru"}))
    eventually(lambda: _client().info("memory")["maxmemory_policy"] == "allkeys-lru")
    assert _client().get("kept") == b"1"
    group.keeper.want(SPEC)
    eventually(lambda: _client().info("memory")["maxmemory_policy"] == "noeviction")


def test_a_killed_server_is_back(group: Group) -> None:
    before = _said()
    os.kill(before["pid"], signal.SIGKILL)
    begun = time.monotonic()
    eventually(lambda: _said()["restarts"] == before["restarts"] + 1 and _client().ping(), within=5)
    assert time.monotonic() - begun < 3


def test_a_killed_tls_front_is_back(group: Group) -> None:
    pid = _said("envoy-valkey")["pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: _said("envoy-valkey")["pid"] != pid and _client().ping(), within=5)


def test_an_unknown_parameter_fails_the_group(state: Path, group: Group) -> None:
    spec = replace(SPEC, group_id="bad", port=BASE_PORT + 151, parameters={"no-such-thing": "1"})
    server = ValkeyServer("bad", front=TlsFront())
    with pytest.raises(PartError, match="no-such-thing"):
        server.reconcile(spec)
    server.stop()


def test_a_bad_access_string_fails_the_group(state: Path, group: Group) -> None:
    spec = replace(SPEC, group_id="bad", port=BASE_PORT + 151, users=(replace(USER, access_string="on +nonsense"),))
    server = ValkeyServer("bad", front=TlsFront())
    with pytest.raises(PartError, match="nonsense"):
        server.reconcile(spec)
    server.stop()
