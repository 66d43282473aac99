"""What RDS does for an instance with a backup retention period: a base backup a day, and its write-ahead log.

The first one is made a while after the server has started, so that nobody waits for it; asking for a snapshot has it
made at once.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from localcloud import backup_store
from localcloud.backup_store import Snapshot, Window
from localcloud.dataplane.errors import PartError
from localcloud.dataplane.postgres import barman, roles
from localcloud.dataplane.postgres.folder import SUPERUSER, DataFolder
from localcloud.dataplane.specs import ArchiveSpec, DatabaseSpec

_log = logging.getLogger(__name__)

_QUIET, _SOON = 150.0, 10.0
"""Seconds after the start of a server until its first base backup, as `make up` is over by then; and until a look at
the backups of one that has some."""

_DAY = timedelta(days=1)

_SHIPPING = float(os.environ.get("LOCALCLOUD_LOG_SHIPPING_SECONDS") or 300)
"""Seconds after which the log is sent off, however little it is: "RDS uploads transaction logs for DB instances to
Amazon S3 every five minutes" (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIT.html)."""

_AGAIN = 60.0
"""Seconds until the next try after a failure."""


class Backups:
    """Those of one instance. `tend` is called again and again from one thread and never waits; jobs have their own."""

    def __init__(self, identifier: str, *, folder: DataFolder) -> None:
        self._identifier = identifier
        self._folder = folder
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"backup-{identifier}")
        self._job: Future[None] | None = None
        self._known: list[barman.BaseBackup] | None = None
        self._window = Window(resource_id="")
        self._not_before = time.monotonic() + (_SOON if folder.archives else _QUIET)
        self._ship_at = 0.0
        self._shipped: tuple[str, datetime] | None = None

    def tend(self, spec: DatabaseSpec) -> None:
        """Begin what is due. Raises NotYetError and PartError of the database."""
        archive = spec.archive
        if archive is None:
            return
        if self._job and self._job.done():
            self._finish(self._job)
        if self._job is None:
            self._begin(spec, archive)
        if self._known:
            self._ship(spec)

    def close(self) -> None:
        """Begin nothing more; a job that runs goes on to its end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, spec: DatabaseSpec, archive: ArchiveSpec) -> None:
        asked = backup_store.asked_for(spec.resource_id)
        if asked:
            self._start(lambda: self._snapshot(spec, archive, asked[0]))
        elif time.monotonic() > self._not_before:
            self._not_before = time.monotonic() + _AGAIN
            if self._known is None:
                self._start(lambda: self._look(archive))
            elif not self._known or self._known[-1].ended + _DAY < datetime.now(UTC):
                self._start(lambda: self._daily(spec, archive))

    def _start(self, job: Callable[[], None]) -> None:
        self._job = self._pool.submit(job)

    def _finish(self, job: Future[None]) -> None:
        self._job = None
        error = job.exception()
        if error is not None:
            _log.warning("%s: no backup: %s", self._identifier, error)
            self._not_before = time.monotonic() + _AGAIN
        else:
            self._not_before = 0.0

    def _look(self, archive: ArchiveSpec) -> None:
        self._known = barman.backups(archive)

    def _daily(self, spec: DatabaseSpec, archive: ArchiveSpec) -> None:
        self._back_up(spec, archive)
        barman.delete_expired(archive, days=spec.retention_days)
        self._look(archive)

    def _snapshot(self, spec: DatabaseSpec, archive: ArchiveSpec, snapshot: Snapshot) -> None:
        try:
            self._back_up(spec, archive, name=snapshot.identifier)
            made = barman.named(archive, snapshot.identifier)
            barman.keep(archive, made)
        except PartError:
            backup_store.write_snapshot(replace(snapshot, status="failed"))
            raise
        backup_store.write_snapshot(replace(snapshot, status="available", backup=made))

    def _back_up(self, spec: DatabaseSpec, archive: ArchiveSpec, *, name: str = "") -> None:
        began = time.monotonic()
        self._folder.archive_from_now_on()
        barman.back_up(archive, port=spec.port, user=SUPERUSER, name=name)
        self._look(archive)
        _log.info("%s: base backup in %.1f s", self._identifier, time.monotonic() - began)

    def _ship(self, spec: DatabaseSpec) -> None:
        """Send the log off when it is time, and note up to when an instance can be restored."""
        assert self._known  # noqa: S101  (the caller has looked)
        earliest = self._known[0].ended
        with roles.connection(spec.port) as cursor:
            if self._shipped and roles.has_archived(cursor, self._shipped[0]):
                if self._shipped[1] > earliest:
                    self._tell(Window(
                        resource_id=spec.resource_id,
                        earliest=earliest.isoformat(),
                        latest=self._shipped[1].isoformat(),
                    ))  # fmt: skip
                self._shipped = None
            if time.monotonic() >= self._ship_at and self._shipped is None:
                self._shipped = roles.switch_log(cursor)
                self._ship_at = time.monotonic() + _SHIPPING

    def _tell(self, window: Window) -> None:
        if window != self._window:
            backup_store.write_window(window)
            self._window = window
