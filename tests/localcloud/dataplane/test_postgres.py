"""Real servers: a primary, its standby, and what may happen to them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from localcloud.dataplane.postgres import PostgresServer
from localcloud.dataplane.specs import DatabaseSpec

PRIMARY = DatabaseSpec(
    name="primary",
    port=24600,
    username="app",
    password="first password",
    database="spendsmart",
    parameters={"max_connections": "60", "rds.force_ssl": "1", "log_min_duration_statement": "1000"},
)
REPLICA = replace(PRIMARY, name="replica", port=24601, source="primary")


def until(condition: Callable[[], object], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not within the time allowed"
        time.sleep(0.1)


def query(spec: DatabaseSpec, statement: str, **changes: str) -> list[tuple]:
    settings = {"user": spec.username, "password": spec.password, "dbname": spec.database, "sslmode": "require"}
    connection = psycopg2.connect(host="127.0.0.1", port=spec.port, **(settings | changes))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PostgresServer, PostgresServer]]:
    os.environ["LOCALCLOUD_HOME"] = str(tmp_path_factory.mktemp("pg") / "home")
    primary, replica = PostgresServer(PRIMARY), PostgresServer(REPLICA)

    def turn() -> bool:
        primary.reconcile(PRIMARY, source=None)
        replica.reconcile(REPLICA, source=primary)
        return primary.accepts() and replica.accepts()

    until(turn)
    yield primary, replica
    replica.stop()
    primary.stop()
    del os.environ["LOCALCLOUD_HOME"]


def test_what_is_written_to_the_primary_is_read_from_the_replica(pair) -> None:
    query(PRIMARY, "CREATE TABLE IF NOT EXISTS streamed (n int); INSERT INTO streamed VALUES (42)")
    until(lambda: (42,) in query(REPLICA, "SELECT n FROM streamed") if _exists(REPLICA, "streamed") else False)
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        query(REPLICA, "INSERT INTO streamed VALUES (1)")


def _exists(spec: DatabaseSpec, table: str) -> bool:
    return query(spec, f"SELECT to_regclass('{table}')")[0][0] is not None


def test_connections_are_encrypted_and_need_the_password(pair) -> None:
    assert query(PRIMARY, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [(True,)]
    with pytest.raises(psycopg2.OperationalError, match="no encryption"):
        query(PRIMARY, "SELECT 1", sslmode="disable")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        query(PRIMARY, "SELECT 1", password="wrong")


def test_the_master_user_is_no_superuser_but_owns_its_database(pair) -> None:
    assert query(PRIMARY, "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = 'app'") == [(False, True)]
    query(PRIMARY, "CREATE EXTENSION IF NOT EXISTS pg_trgm")


def test_parameters_come_from_the_parameter_group(pair) -> None:
    assert query(PRIMARY, "SHOW max_connections") == [("60",)]
    assert query(PRIMARY, "SHOW log_min_duration_statement") == [("1s",)]


def test_a_killed_primary_comes_back_with_its_data_and_its_replica_follows(pair) -> None:
    primary, replica = pair
    query(PRIMARY, "CREATE TABLE kept AS SELECT 1 AS n")
    primary.process.signal(signal.SIGKILL)
    until(lambda: not primary.process.alive())
    until(lambda: primary.reconcile(PRIMARY, source=None) or primary.accepts())
    assert primary.process.restarts == 1
    query(PRIMARY, "INSERT INTO kept VALUES (2)")
    until(lambda: replica.reconcile(REPLICA, source=primary) or query(REPLICA, "SELECT count(*) FROM kept") == [(2,)])


def test_a_new_password_holds_at_once(pair) -> None:
    primary, _ = pair
    rotated = replace(PRIMARY, password="second password")
    primary.reconcile(rotated, source=None)
    assert query(rotated, "SELECT 1") == [(1,)]
    with pytest.raises(psycopg2.OperationalError):
        query(PRIMARY, "SELECT 1")
    primary.reconcile(PRIMARY, source=None)


def test_a_parameter_postgresql_does_not_know_fails_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path / "home"))
    spec = replace(PRIMARY, name="wrong", port=24602, parameters={"no_such_parameter": "1"})
    server = PostgresServer(spec)
    file = tmp_path / "home" / "dataplane" / "rds-wrong.json"
    until(lambda: server.reconcile(spec, source=None) or '"failed"' in file.read_text())
    assert "no_such_parameter" in file.read_text()
    server.stop()
