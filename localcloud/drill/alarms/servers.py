"""Faults of PostgreSQL and Valkey."""

from __future__ import annotations

import json
import secrets
import signal
import threading
import time
from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

import psutil
import psycopg2

from localcloud import layout
from localcloud.dataplane.elasticache.server import administrator
from localcloud.drill.alarms.fault import Again
from localcloud.drill.platform import Platform


class _Killed(Again):
    """SIGKILL to a server each time that it is there again."""

    every = 0.2

    def turn(self, platform: Platform) -> None:
        # Absent while nothing runs, half of it for nobody: it is written in one step.
        with suppress(FileNotFoundError, psutil.NoSuchProcess):
            noted = json.loads((layout.folder("dataplane") / f"{self.server(platform)}.pid").read_text())
            process = psutil.Process(noted["pid"])
            if abs(process.create_time() - noted["created"]) < 1 and process.status() != psutil.STATUS_ZOMBIE:
                process.send_signal(signal.SIGKILL)

    @abstractmethod
    def server(self, platform: Platform) -> str:
        """The data plane's name for it."""


class DatabaseKilled(_Killed):
    def server(self, platform: Platform) -> str:
        return f"rds-{platform.writer}"


class BrokerKilled(_Killed):
    def __init__(self) -> None:
        super().__init__()
        self._group = ""

    def server(self, platform: Platform) -> str:
        self._group = self._group or platform.broker_group()
        return f"elasticache-{self._group}"


class ReplayPaused(Again):
    """The first reader replays nothing that the writer sends it, and the writer has always something to send."""

    every = 5.0

    def make(self, platform: Platform) -> None:
        _say(platform, f"{platform.writer}-reader-1", "SELECT pg_wal_replay_pause()")
        super().make(platform)

    def turn(self, platform: Platform) -> None:
        _say(platform, platform.writer, "SELECT pg_logical_emit_message(true, 'drill', 'one more transaction')")

    def mend(self, platform: Platform) -> None:
        _say(platform, f"{platform.writer}-reader-1", "SELECT pg_wal_replay_resume()")
        super().mend(platform)


def _say(platform: Platform, instance: str, statement: str) -> None:
    with closing(platform.database(instance)) as link, link.cursor() as cursor:
        cursor.execute(statement)


@dataclass
class ConnectionsHeld:
    """As many idle connections as make the alarm red, opened by the instance's own login."""

    _held: list[Any] = field(default_factory=list)

    def make(self, platform: Platform) -> None:
        wanted = int(platform.alarms["database-connections"].record["Threshold"]) + 5
        with ThreadPoolExecutor(8) as pool:
            self._held = list(pool.map(lambda _number: platform.client_of_database(), range(wanted)))

    def mend(self, platform: Platform) -> None:  # noqa: ARG002
        for link in self._held:
            with suppress(psycopg2.Error):
                link.close()


class LogGoesOn(Again):
    """Breaks nothing. Once mended, PostgreSQL's log goes on with harmless lines for a quarter of an hour: a log
    without any counts nothing, and CloudWatch then goes by what was counted last."""

    every = 20.0
    _lines = 45

    def make(self, platform: Platform) -> None:
        """Nothing yet."""

    def mend(self, platform: Platform) -> None:
        super().make(platform)

    def turn(self, platform: Platform) -> None:
        self._lines -= 1
        with closing(platform.database()) as link, link.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE LOG 'a drill is over'; END $$")
        if not self._lines:
            self._over.set()


class Deadlocks(Again):
    """Two transactions that take two locks in opposite order, six times a minute."""

    every = 10.0

    def turn(self, platform: Platform) -> None:
        key = secrets.randbelow(1 << 30)
        met = threading.Barrier(2, timeout=30)
        with ThreadPoolExecutor(2) as pool:
            for one in [pool.submit(_lock, platform, met, first, key + 1 - first + key) for first in (key, key + 1)]:
                one.result()


def _lock(platform: Platform, met: threading.Barrier, first: int, second: int) -> None:
    with closing(platform.database()) as link, link.cursor() as cursor:
        link.autocommit = False
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [first])
        met.wait()
        with suppress(psycopg2.errors.DeadlockDetected):
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [second])
        link.rollback()


class SlowStatements(Again):
    """Statements of 0.6 s, one after the other."""

    every = 0.0

    def turn(self, platform: Platform) -> None:
        with closing(platform.database()) as link, link.cursor() as cursor:
            for _ in range(10):
                cursor.execute("SELECT pg_sleep(0.6)")


class TableLocked(Again):
    """The table of receipts is locked for four seconds of every six, as by a migration without a lock timeout."""

    every = 6.0

    def turn(self, platform: Platform) -> None:
        with closing(platform.database(dbname=platform.database_name)) as link, link.cursor() as cursor:
            link.autocommit = False
            cursor.execute("LOCK TABLE receipts_receipt IN ACCESS EXCLUSIVE MODE")
            time.sleep(4)
            link.rollback()


@dataclass
class BrokerFilled:
    """The broker's memory is filled to `percent` of what it may use."""

    percent: int = 87
    _key: str = field(default_factory=lambda: f"drill-{secrets.token_hex(4)}")

    def make(self, platform: Platform) -> None:
        client: Any = administrator(platform.broker_group())
        most = int(client.info("memory")["maxmemory"])
        block = secrets.token_bytes(1 << 20)
        while int(client.info("memory")["used_memory"]) < most * self.percent / 100:
            client.rpush(self._key, block)

    def mend(self, platform: Platform) -> None:
        client: Any = administrator(platform.broker_group())
        client.delete(self._key)
