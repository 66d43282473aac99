"""Faults of PostgreSQL: killed, frozen, lost, full, out of connections, locked; the replica behind, gone, promoted."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

import psutil
import psycopg2

from localcloud import layout
from localcloud.console import LocalCloudError
from localcloud.drill.faults import parts
from localcloud.drill.faults.fault import Scene

_READER = "-reader-1"


def writer(scene: Scene) -> list[psutil.Process]:
    """All processes of the primary."""
    return parts.family(parts.server(f"rds-{scene.platform.writer}").pid)


def reader(scene: Scene) -> list[psutil.Process]:
    """All processes of the first read replica."""
    return parts.family(parts.server(f"rds-{scene.platform.writer}{_READER}").pid)


@dataclass
class PrimaryLost:
    """The primary's processes and its data are gone, as with its host and volume.

    Mended when its standby serves: the old data is put back then, and has to be left alone.
    """

    frozen: bool = False
    _old: list[psutil.Process] = field(default_factory=list)

    def make(self, scene: Scene) -> None:
        if not parts.servers(f"rds-{scene.platform.writer}.standby"):
            raise LocalCloudError("the database has no standby", remedy="choose an environment with database.multi_az")
        self._old = writer(scene)
        if self.frozen:
            parts.send(self._old, signal.SIGSTOP)
            return
        folder = layout.folder("rds") / scene.platform.writer
        folder.rename(folder.with_name(f"{folder.name}.lost-{time.strftime('%H%M%S')}"))
        parts.send(self._old, signal.SIGKILL)

    def mend(self, scene: Scene) -> None:
        """The old primary wakes up. It must not serve, or there would be two. Raises LocalCloudError when it does."""
        parts.send([process for process in self._old if process.is_running()], signal.SIGCONT)
        time.sleep(1)
        alive = [process.pid for process in self._old if parts.lives(process)]
        now = parts.server(f"rds-{scene.platform.writer}").pid
        if alive or now in {process.pid for process in self._old}:
            raise LocalCloudError(f"the old primary still runs: {alive or now}")


@dataclass
class DiskFull:
    """No file of the primary's can grow (RLIMIT_FSIZE), also not of one that was started anew, until it is mended."""

    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def make(self, scene: Scene) -> None:
        self._over.clear()
        self._thread = threading.Thread(target=self._run, args=(scene,), name="disk-full", daemon=True)
        self._thread.start()

    def mend(self, scene: Scene) -> None:
        self._over.set()
        if self._thread:
            self._thread.join(10)
        with suppress(LocalCloudError):
            _limit(writer(scene), psutil.RLIM_INFINITY)

    def _run(self, scene: Scene) -> None:
        while not self._over.wait(0.2):
            with suppress(LocalCloudError):
                _limit(writer(scene), 4096)


def _limit(processes: list[psutil.Process], size: int) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.rlimit(psutil.RLIMIT_FSIZE, (size, psutil.RLIM_INFINITY))


@dataclass
class ConnectionsTaken:
    """Somebody takes every connection that PostgreSQL has left, with the application's own login."""

    _held: list[Any] = field(default_factory=list)

    def make(self, scene: Scene) -> None:
        self._held.append(scene.platform.client_of_database())
        known = self._held[0].info
        for _ in range(2000):
            try:
                link = psycopg2.connect(
                    host=known.host,
                    port=known.port,
                    user=known.user,
                    password=known.password,
                    dbname=known.dbname,
                    sslmode="require",
                    connect_timeout=10,
                )
            except psycopg2.OperationalError:
                return
            self._held.append(link)
        raise LocalCloudError("PostgreSQL gave out 2,000 connections and had more")

    def mend(self, scene: Scene) -> None:  # noqa: ARG002
        for link in self._held:
            with suppress(psycopg2.Error):
                link.close()
        self._held.clear()


@dataclass
class LongLock:
    """The table of receipts is locked, as by a migration without a lock timeout."""

    _link: Any = None

    def make(self, scene: Scene) -> None:
        self._link = scene.platform.database(dbname=scene.platform.database_name)
        self._link.autocommit = False
        with self._link.cursor() as cursor:
            cursor.execute("LOCK TABLE receipts_receipt IN ACCESS EXCLUSIVE MODE")

    def mend(self, scene: Scene) -> None:  # noqa: ARG002
        if self._link:
            self._link.rollback()
            self._link.close()


@dataclass
class ReplicaLags:
    """The replica goes on receiving, and replays nothing."""

    def make(self, scene: Scene) -> None:
        _say(scene, "SELECT pg_wal_replay_pause()")

    def mend(self, scene: Scene) -> None:
        _say(scene, "SELECT pg_wal_replay_resume()")


@dataclass
class ReplicaPromoted:
    """Somebody promotes the replica, which goes a way of its own from then on. Mended by a replica made anew."""

    def make(self, scene: Scene) -> None:
        _say(scene, "SELECT pg_promote(true, 30)")

    def mend(self, scene: Scene) -> None:
        folder = layout.folder("rds") / f"{scene.platform.writer}{_READER}"
        aside = folder.with_name(f"{folder.name}.promoted-{time.strftime('%H%M%S')}")
        old = reader(scene)
        folder.rename(aside)
        parts.send(old, signal.SIGKILL)
        psutil.wait_procs(old, timeout=10)
        shutil.rmtree(aside, ignore_errors=True)


def _say(scene: Scene, statement: str) -> None:
    with closing(scene.platform.database(f"{scene.platform.writer}{_READER}")) as link, link.cursor() as cursor:
        cursor.execute(statement)
