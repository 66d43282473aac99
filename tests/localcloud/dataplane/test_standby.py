"""A Multi-AZ instance outlives its primary: nothing committed is lost, and the old one never serves again."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from localcloud import layout
from localcloud.dataplane import paths
from localcloud.dataplane.keeper import Keeper
from localcloud.dataplane.postgres.folder import SUPERUSER
from localcloud.dataplane.postgres.server import PostgresServer
from localcloud.dataplane.specs import DatabaseSpec, Login

from .conftest import BASE_PORT, eventually, processes_of

pytestmark = pytest.mark.localcloud

SPEC = DatabaseSpec(
    identifier="pair",
    port=BASE_PORT + 145,
    login=Login(username="spendsmart", password="a password"),
    database="spendsmart",
    resource_id="db-1",
    multi_az=True,
)


def ask(statement: str) -> Any:
    link = psycopg2.connect(
        host=str(paths.sockets()), port=SPEC.port, user=SUPERUSER, dbname="postgres", connect_timeout=2
    )
    link.autocommit = True
    with closing(link), link.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


def in_step() -> bool:
    return bool(ask("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == 1)


def server() -> list[psutil.Process]:
    lock = layout.folder("rds") / SPEC.identifier / "postmaster.pid"
    first = psutil.Process(int(lock.read_text().split("\n", 1)[0]))
    return [first, *first.children(recursive=True)]


@pytest.fixture(scope="module")
def pair(state: Path) -> Iterator[None]:
    layout.folder("logs")
    keeper = Keeper(kind="rds", name="pair", part=PostgresServer("pair", source_port=lambda _name: None), spec=SPEC)
    try:
        eventually(in_step, within=120)
        ask("CREATE TABLE kept (number int)")
        yield
    finally:
        keeper.stop()
        keeper.join()
        assert not processes_of(state)


def test_a_primary_that_crashes_is_started_again_on_its_own_data(pair: None) -> None:
    before = ask("SELECT timeline_id FROM pg_control_checkpoint()")
    server()[0].kill()
    eventually(in_step, within=120)
    assert ask("SELECT timeline_id FROM pg_control_checkpoint()") == before


def test_a_lost_primary_is_replaced_with_all_that_was_committed(pair: None) -> None:
    for _ in range(20):
        ask("INSERT INTO kept SELECT count(*) FROM kept")
    old, folder = server(), layout.folder("rds") / SPEC.identifier
    folder.rename(folder.with_name("pair.lost"))
    for process in old:
        process.kill()
    assert eventually(lambda: ask("SELECT count(*) FROM kept"), within=60) == 20
    eventually(lambda: not ask("SELECT pg_is_in_recovery()"), within=60)
    ask("INSERT INTO kept SELECT count(*) FROM kept")
    eventually(in_step, within=120)


def test_a_frozen_primary_is_replaced_and_does_not_wake_up(pair: None) -> None:
    old = server()
    for process in old:
        process.send_signal(signal.SIGSTOP)
    count = ask_patiently("SELECT count(*) FROM kept")
    assert count == 21
    assert all(not process.is_running() or process.status() == psutil.STATUS_ZOMBIE for process in old)
    assert list(layout.folder("rds").glob("pair.fenced-*"))
    eventually(in_step, within=120)


def ask_patiently(statement: str) -> Any:
    return eventually(lambda: ask(statement), within=120)
