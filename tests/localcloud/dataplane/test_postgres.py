"""PostgreSQL servers as RDS instances: streaming, crashes, passwords, parameters, TLS, promotion."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from localcloud import layout, tls
from localcloud.dataplane import status
from localcloud.dataplane.errors import PartError
from localcloud.dataplane.keeper import Keeper
from localcloud.dataplane.postgres import parameters
from localcloud.dataplane.postgres.server import PostgresServer
from localcloud.dataplane.specs import DatabaseSpec, Login

from .conftest import BASE_PORT, command, eventually, processes_of

pytestmark = pytest.mark.localcloud

PRIMARY = DatabaseSpec(
    identifier="main",
    port=BASE_PORT + 100,
    login=Login(username="spendsmart", password="first-pass word's"),
    database="spendsmart",
    replicas=("main-reader-1",),
    resource_id="db-1",
    parameters={"rds.force_ssl": "1", "max_connections": "50", "log_statement": "ddl"},
)
REPLICA = DatabaseSpec(
    identifier="main-reader-1",
    port=BASE_PORT + 101,
    source="main",
    resource_id="db-2",
    parameters=PRIMARY.parameters,
)


@dataclass(kw_only=True)
class Servers:
    primary: Keeper[DatabaseSpec]
    replica: Keeper[DatabaseSpec]


def _keeper(spec: DatabaseSpec) -> Keeper[DatabaseSpec]:
    ports = {PRIMARY.identifier: PRIMARY.port}
    part = PostgresServer(spec.identifier, source_port=ports.get)
    return Keeper(kind="rds", name=spec.identifier, part=part, spec=spec)


def _said(identifier: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(status.path("rds", identifier).read_text())
    return said


def _available(identifier: str) -> bool:
    return bool(_said(identifier)["status"] == "available")


def _connect(spec: DatabaseSpec, *, password: str | None = None, sslmode: str = "verify-full", **more: str) -> Any:
    assert PRIMARY.login
    settings = {
        "host": "127.0.0.1",
        "port": spec.port,
        "dbname": "spendsmart",
        "user": PRIMARY.login.username,
        "password": password or PRIMARY.login.password,
        "sslmode": sslmode,
        "sslrootcert": str(tls.material().authority),
        "connect_timeout": 3,
        **more,
    }
    link = psycopg2.connect(**settings)
    link.autocommit = True
    return link


def _ask(spec: DatabaseSpec, statement: str, **settings: Any) -> Any:
    with closing(_connect(spec, **settings)) as link, link.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


@pytest.fixture(scope="module")
def servers(state: Path) -> Iterator[Servers]:
    found = Servers(primary=_keeper(PRIMARY), replica=_keeper(REPLICA))
    try:
        for spec in (PRIMARY, REPLICA):
            eventually(lambda spec=spec: _available(spec.identifier), within=60)
        yield found
    finally:
        for keeper in (found.replica, found.primary):
            keeper.stop()
        for keeper in (found.replica, found.primary):
            keeper.join()
        assert not processes_of(state)


def test_a_standby_streams_what_the_primary_writes(servers: Servers) -> None:
    _ask(PRIMARY, "CREATE TABLE streamed AS SELECT 42 AS answer")
    assert eventually(lambda: _ask(REPLICA, "SELECT answer FROM streamed")) == 42
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        _ask(REPLICA, "CREATE TABLE refused ()")


def test_the_master_user_is_no_superuser_but_makes_databases_and_trusted_extensions(servers: Servers) -> None:
    assert _ask(PRIMARY, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    _ask(PRIMARY, "CREATE DATABASE another")
    _ask(PRIMARY, "CREATE EXTENSION pg_trgm")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        _ask(PRIMARY, "COPY streamed TO '/tmp/stolen'")


def test_only_tls_and_only_the_right_password_get_in(servers: Servers) -> None:
    with pytest.raises(psycopg2.OperationalError, match="no encryption"):
        _connect(PRIMARY, sslmode="disable")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        _connect(PRIMARY, password="wrong")
    with pytest.raises(psycopg2.OperationalError, match="pg_hba"):
        _connect(PRIMARY, user="rdsadmin", dbname="postgres")


def test_parameters_reach_the_server(servers: Servers) -> None:
    assert _ask(PRIMARY, "SHOW max_connections") == "50"
    assert _ask(REPLICA, "SHOW log_statement") == "ddl"
    assert _ask(PRIMARY, "SHOW fsync") == "on"


def test_a_new_password_replaces_the_old_one_without_a_restart(servers: Servers) -> None:
    pid = _said("main")["pid"]
    servers.primary.want(replace(PRIMARY, login=Login(username="spendsmart", password="second")))
    assert eventually(lambda: _ask(PRIMARY, "SELECT 1", password="second")) == 1
    with pytest.raises(psycopg2.OperationalError):
        _connect(PRIMARY)
    servers.primary.want(PRIMARY)
    assert eventually(lambda: _ask(PRIMARY, "SELECT 1")) == 1
    assert _said("main")["pid"] == pid
    assert "second" not in (layout.folder("logs") / "rds-main.log").read_text()


def test_a_killed_primary_is_back_with_its_data_and_its_standby(servers: Servers) -> None:
    _ask(PRIMARY, "CREATE TABLE kept AS SELECT 1 AS before")
    killed = _said("main")["pid"]
    os.kill(killed, signal.SIGKILL)
    begun = time.monotonic()
    eventually(lambda: _said("main")["restarts"] == 1 and _available("main"))
    assert time.monotonic() - begun < 8
    _ask(PRIMARY, "INSERT INTO kept VALUES (2)")
    assert eventually(lambda: _ask(REPLICA, "SELECT count(*) FROM kept") == 2, within=15)
    assert _said("main")["pid"] != killed


def test_parameters_change_on_the_running_server_and_a_bad_one_is_refused(servers: Servers) -> None:
    pid = _said("main")["pid"]
    servers.primary.want(replace(PRIMARY, parameters={**PRIMARY.parameters, "work_mem": "8192"}))
    eventually(lambda: _ask(PRIMARY, "SHOW work_mem") == "8MB")
    servers.primary.want(replace(PRIMARY, parameters={**PRIMARY.parameters, "work_mem": "-5"}))
    eventually(lambda: "outside the valid range" in _said("main")["message"])
    assert _said("main")["status"] == "failed"
    assert _ask(PRIMARY, "SHOW work_mem") == "8MB"
    servers.primary.want(PRIMARY)
    eventually(lambda: _available("main") and _ask(PRIMARY, "SHOW work_mem") == "4MB")
    assert _said("main")["pid"] == pid


def test_a_parameter_that_needs_a_restart_gets_one(servers: Servers) -> None:
    servers.replica.want(replace(REPLICA, parameters={**REPLICA.parameters, "max_connections": "60"}))
    assert eventually(lambda: _ask(REPLICA, "SHOW max_connections") == "60")


def test_another_data_plane_takes_the_running_server_over(servers: Servers) -> None:
    pid = _said("main")["pid"]
    other = PostgresServer("main", source_port={}.get)
    assert other.reconcile(PRIMARY).pid == pid
    arguments = ["-D", str(layout.home() / "rds" / "main")]
    assert len([p for p in psutil.process_iter() if command(p)[1:] == arguments]) == 1


def test_a_reader_that_is_none_any_more_is_promoted(servers: Servers) -> None:
    _ask(PRIMARY, "CREATE TABLE before_promotion ()")
    eventually(lambda: _ask(REPLICA, "SELECT to_regclass('before_promotion') IS NOT NULL"))
    servers.primary.want(replace(PRIMARY, replicas=()))
    servers.replica.want(replace(REPLICA, source=None))
    eventually(lambda: _ask(REPLICA, "SELECT NOT pg_is_in_recovery()"))
    _ask(REPLICA, "CREATE TABLE written_here ()")
    eventually(lambda: _slots(PRIMARY) == 0, within=15)


def _slots(spec: DatabaseSpec) -> int:
    return int(_ask(spec, "SELECT count(*) FROM pg_replication_slots"))


def test_an_instance_with_an_unknown_parameter_never_starts(state: Path) -> None:
    spec = DatabaseSpec(identifier="bad", port=BASE_PORT + 102, parameters={"no_such_thing": "1"})
    server = PostgresServer("bad", source_port={}.get)
    with pytest.raises(PartError, match='unrecognized configuration parameter "no_such_thing"'):
        server.reconcile(spec)
    server.delete()
    assert not (layout.home() / "rds" / "bad").exists()


@pytest.mark.parametrize("name", ["fsync", "ssl", "listen_addresses"])
def test_what_rds_keeps_to_itself_cannot_be_set(name: str) -> None:
    with pytest.raises(PartError, match=f"{name} cannot be modified"):
        parameters.settings({name: "off"})


def test_formulas_and_parameters_of_rds_itself_do_not_reach_postgresql() -> None:
    group = {"rds.force_ssl": "0", "shared_buffers": "{DBInstanceClassMemory/32768}", "work_mem": "64"}
    assert parameters.settings(group) == {"work_mem": "64"}
    assert not parameters.tls_only(group)
    assert parameters.tls_only({})
