"""A standby that streams from the tests' PostgreSQL, and PgBouncer in front of both as in a task."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from django.db import connections
from postgres_server import PostgresServer, as_user, free_port

APP = Path(__file__).resolve().parents[3] / "app_src"
PGBOUNCER = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")


def until(condition: Callable[[], object]) -> None:
    """As soon as it holds; a busy machine may take its time."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@dataclass(frozen=True, kw_only=True)
class Replication:
    primary: PostgresServer
    standby: PostgresServer
    pooler_port: int
    database: str

    def pause(self) -> None:
        """The standby goes on receiving, and replays nothing, as behind a long query."""
        self._on_standby("SELECT pg_wal_replay_pause()")
        until(lambda: self._on_standby("SELECT pg_get_wal_replay_pause_state()") == "paused")

    def resume(self) -> None:
        self._on_standby("SELECT pg_wal_replay_resume()")

    def catch_up(self) -> None:
        """Wait until the standby has replayed all that the primary has written by now."""
        written = _ask(self.primary, self.database, "SELECT pg_current_wal_lsn()")
        until(lambda: self._on_standby(f"SELECT pg_last_wal_replay_lsn() >= '{written}'"))

    def cut(self) -> None:
        """The stream ends, and the standby does not notice that it is missing anything."""
        self._on_standby("ALTER SYSTEM SET primary_conninfo = ''")
        self._on_standby("SELECT pg_reload_conf()")
        until(lambda: self._on_standby("SELECT count(*) FROM pg_stat_wal_receiver") == 0)

    def mend(self) -> None:
        quoted = self.primary.address.replace("'", "''")
        self._on_standby(f"ALTER SYSTEM SET primary_conninfo = '{quoted}'")
        self._on_standby("SELECT pg_reload_conf()")

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Django's two connections go through PgBouncer to the two servers."""
        ours = {"PORT": self.pooler_port, "OPTIONS": {"sslmode": "disable", "connect_timeout": 5}}
        names = {"default": self.database, "reader": f"{self.database}_reader"}
        before: dict[str, dict[str, Any]] = {}
        for alias, name in names.items():
            connections[alias].close()
            before[alias] = connections[alias].settings_dict
            connections[alias].settings_dict = before[alias] | ours | {"NAME": name}
        try:
            yield
        finally:
            for alias, settings in before.items():
                connections[alias].close()
                connections[alias].settings_dict = settings

    def on_primary(self, statement: str) -> None:
        """Past Django, so that nobody takes note of it."""
        _ask(self.primary, self.database, statement)

    def _on_standby(self, statement: str) -> Any:
        return _ask(self.standby, self.database, statement)


def _ask(server: PostgresServer, database: str, statement: str) -> Any:
    with contextlib.closing(psycopg2.connect(server.address, dbname=database)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


@contextlib.contextmanager
def replication(folder: Path, primary: PostgresServer, database: str) -> Iterator[Replication]:
    standby = PostgresServer(folder=folder / "standby", port=free_port(), name="standby", user=primary.user,
                             password=primary.password)  # fmt: skip
    standby.create_standby(primary)
    try:
        with _pooler(folder / "pooler", primary, standby, database) as port:
            yield Replication(primary=primary, standby=standby, pooler_port=port, database=database)
    finally:
        standby.stop()


@contextlib.contextmanager
def _pooler(folder: Path, primary: PostgresServer, standby: PostgresServer, database: str) -> Iterator[int]:
    folder.mkdir()
    port = free_port()
    variables = {
        "PGBOUNCER_ADDRESS": "127.0.0.1", "PGBOUNCER_PORT": str(port), "MAX_CLIENT_CONNECTIONS": "50",
        "STATEMENT_SECONDS": "60",
        "WRITER_HOST": "127.0.0.1", "WRITER_PORT": str(primary.port), "WRITER_POOL_SIZE": "3",
        "READER_HOST": "127.0.0.1", "READER_PORT": str(standby.port), "READER_POOL_SIZE": "3",
        "DATABASE_NAME": database, "DATABASE_USERNAME": primary.user, "DATABASE_PASSWORD": primary.password,
        "SCRATCH_DIR": str(folder), "PATH": os.environ["PATH"],
    }  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*as_user(10001), sys.executable, "-m", "pgbouncer_sidecar"], cwd=APP,
                                   env=variables, stdout=log, stderr=log)  # fmt: skip
    try:
        address = f"host=127.0.0.1 port={port} user={primary.user} password='{primary.password}' sslmode=disable"

        def answers() -> bool:
            assert process.poll() is None, (folder / "log").read_text()
            with contextlib.suppress(psycopg2.OperationalError):
                psycopg2.connect(address, dbname=f"{database}_reader").close()
                return True
            return False

        until(answers)
        yield port
    finally:
        process.terminate()
        process.wait()
