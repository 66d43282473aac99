"""A real Valkey with the users and parameters of its group."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from localcloud.dataplane.specs import ValkeySpec, ValkeyUser
from localcloud.dataplane.valkey import ValkeyServer

SPEC = ValkeySpec(
    name="broker",
    port=24650,
    users=(ValkeyUser(name="app", access_string="on ~* &* +@all -@dangerous", password="a long password"),),
    parameters={"maxmemory-policy": "noeviction"},
)


def running(server: ValkeyServer, spec: ValkeySpec = SPEC) -> None:
    deadline = time.monotonic() + 10
    while True:
        server.reconcile(spec)
        if server.process.alive() and server.socket.exists():
            return
        assert time.monotonic() < deadline, server.process.last_words()
        time.sleep(0.05)


def connect(server: ValkeyServer, *, username: str = "app", password: str = "a long password") -> redis.Redis:
    return redis.Redis(unix_socket_path=str(server.socket), username=username, password=password)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ValkeyServer]:
    monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path / "home"))
    made = ValkeyServer(SPEC)
    running(made)
    yield made
    made.stop()


def test_the_groups_user_may_do_what_its_access_string_says_and_no_more(server: ValkeyServer) -> None:
    client = connect(server)
    assert client.set("k", "v") and client.get("k") == b"v"
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.flushall()


def test_nobody_else_comes_in(server: ValkeyServer) -> None:
    with pytest.raises(redis.exceptions.AuthenticationError):
        connect(server, password="wrong").ping()
    with pytest.raises(redis.exceptions.AuthenticationError):
        redis.Redis(unix_socket_path=str(server.socket)).ping()


def test_a_full_broker_refuses_instead_of_forgetting(server: ValkeyServer) -> None:
    client = connect(server)
    megabyte = b"x" * 1024**2
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        for number in range(200):
            client.set(f"big{number}", megabyte)
    assert client.get("big0") == megabyte


def test_data_survives_an_orderly_stop(server: ValkeyServer) -> None:
    connect(server).set("kept", "yes")
    server.stop()
    running(server)
    assert connect(server).get("kept") == b"yes"


def test_a_killed_server_is_restarted_and_counted(server: ValkeyServer) -> None:
    server.process.signal(signal.SIGKILL)
    while server.process.alive():
        time.sleep(0.01)
    running(server)
    assert server.process.restarts == 1
    deadline = time.monotonic() + 5
    while True:
        try:
            assert connect(server).ping()
            break
        except redis.exceptions.ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_changed_password_takes_the_old_one_away(server: ValkeyServer) -> None:
    changed = replace(SPEC, users=(replace(SPEC.users[0], password="another password"),))
    running(server, changed)
    assert connect(server, password="another password").ping()
    with pytest.raises(redis.exceptions.AuthenticationError):
        connect(server).ping()
