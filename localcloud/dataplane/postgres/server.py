"""One DB instance as a PostgreSQL server."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable

from localcloud.dataplane import process
from localcloud.dataplane.errors import NotYetError, PartError
from localcloud.dataplane.postgres import binaries, roles
from localcloud.dataplane.postgres.backups import Backups
from localcloud.dataplane.postgres.folder import DataFolder
from localcloud.dataplane.postgres.standby import Standby
from localcloud.dataplane.specs import DatabaseSpec, Login
from localcloud.dataplane.status import Status

_log = logging.getLogger(__name__)

_START_PATIENCE = 30.0
_RECHECK = 2.0
"""Seconds between two looks at roles, slots and streaming of a server that runs."""


class PostgresServer:
    """`source_port` finds the port of another instance by its identifier; None while there is none."""

    def __init__(self, identifier: str, *, source_port: Callable[[str], int | None]) -> None:
        self._folder = DataFolder(identifier)
        self._backups = Backups(identifier, folder=self._folder)
        self._standby = Standby(identifier)
        self._source_port = source_port
        # SIGINT is PostgreSQL's fast shutdown: it ends sessions, writes a checkpoint and goes.
        self._server = process.Server(name=f"rds-{identifier}", stop_signal=signal.SIGINT, patience=60)
        self._applied: DatabaseSpec | None = None
        self._login: Login | None = None
        self._refused: tuple[DatabaseSpec, str] | None = None
        self._checked_at = 0.0
        self._reload_due = False
        self._message = ""

    def reconcile(self, spec: DatabaseSpec) -> Status:
        if self._standby.must_take_over(spec, self._folder, self._server):
            self._standby.take_over(spec, self._folder, self._server)
            self._applied = self._login = None
        if self._applied == spec and self._server.alive() and time.monotonic() < self._checked_at + _RECHECK:
            return self._status(spec)
        if self._applied and self._applied.resource_id != spec.resource_id:
            # Deleted, and another made with its name, between two looks at the API.
            self.delete()
            self._backups = Backups(spec.identifier, folder=self._folder)
            self._applied = None
        if self._applied is None:
            self._folder.set_aside_other(spec.resource_id)
        if not self._folder.exists:
            self._create(spec)
            self._folder.note_resource(spec.resource_id)
        self._run(spec)
        self._settle(spec)
        if self._refused and self._refused[0] == spec:
            raise PartError(self._refused[1])
        self._applied, self._checked_at = spec, time.monotonic()
        return self._status(spec)

    def stop(self) -> None:
        self._backups.close()
        self._standby.stop()
        self._server.stop_leftover()
        self._server.stop()

    def delete(self) -> None:
        self.stop()
        self._standby.delete()
        self._folder.delete()

    def _status(self, spec: DatabaseSpec) -> Status:
        return Status(
            status="available",
            message=self._message,
            port=spec.port,
            pid=self._server.pid,
            restarts=self._server.restarts,
        )

    def _create(self, spec: DatabaseSpec) -> None:
        if spec.restore is not None:
            self._folder.create_restored(spec.restore)
            return
        if spec.source is None:
            self._folder.create_primary()
            return
        port = self._source_port(spec.source)
        if port is None or not roles.has_slot(port, spec.identifier):
            raise NotYetError(f"waits for {spec.source}, whose read replica it is")
        self._folder.create_standby(source_port=port, slot=roles.slot_name(spec.identifier))

    def _run(self, spec: DatabaseSpec) -> None:
        self._reload_due |= self._configure(spec)
        if not self._server.alive():
            self._folder.remove_stale_lock()
        started = self._server.ensure(binaries.command("postgres", "-D", str(self._folder.path)))
        if started:
            self._login = None
            if not self._folder.recovers:
                self._await_answer(spec)
        elif self._reload_due:
            self._reload(spec)
        self._reload_due = False

    def _configure(self, spec: DatabaseSpec) -> bool:
        """Write the configuration. One that PostgreSQL refuses fails a new instance; an old one goes on with what it
        had, and says so."""
        if self._refused and self._refused[0] == spec:
            return False
        self._refused = None
        try:
            return self._folder.configure(spec)
        except PartError as error:
            message = f"parameter group refused: {error}"
            if not self._folder.configured:
                raise PartError(message) from error
            self._refused = (spec, message)
            return False

    def _reload(self, spec: DatabaseSpec) -> None:
        """Have a running server read its configuration. RDS leaves parameters that need a restart pending until the
        next reboot; a restart takes a second here, so it is done at once."""
        with roles.connection(self._port(spec)) as cursor:
            cursor.execute("SELECT pg_reload_conf()")
        time.sleep(0.2)  # the postmaster reads it on a signal
        with roles.connection(self._port(spec)) as cursor:
            cursor.execute("SELECT array_agg(name) FROM pg_settings WHERE pending_restart")
            pending = cursor.fetchone()[0]
        if pending:
            _log.info("%s: restarts for %s", spec.identifier, ", ".join(pending))
            self._server.stop()
            self._server.ensure(binaries.command("postgres", "-D", str(self._folder.path)))
            self._await_answer(spec)

    def _port(self, spec: DatabaseSpec) -> int:
        """The port the server has now: a declared change of port needs a restart first."""
        return self._applied.port if self._applied else spec.port

    def _await_answer(self, spec: DatabaseSpec) -> None:
        deadline = time.monotonic() + _START_PATIENCE
        while True:
            try:
                with roles.connection(spec.port):
                    return
            except NotYetError:
                if not self._server.alive():
                    self._server.ensure(binaries.command("postgres", "-D", str(self._folder.path)))
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _settle(self, spec: DatabaseSpec) -> None:
        if spec.source is not None:
            with roles.connection(spec.port) as cursor:
                cursor.execute("SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'")
                streaming = bool(cursor.fetchone()[0])
            if not streaming and self._applied is None:
                raise NotYetError(f"waits for the stream from {spec.source}")
            self._message = f"{'streams' if streaming else 'does not stream'} from {spec.source}"
            return
        self._message = ""
        with roles.connection(spec.port) as cursor:
            if self._folder.recovers:
                raise NotYetError("replays the write-ahead log")
            self._folder.forget_recovery()
            if self._folder.is_standby:
                _log.info("%s: promoted", spec.identifier)
                cursor.execute("SELECT pg_promote(true, 60)")
            roles.prepare(cursor)
            if spec.login and spec.login != self._login:
                roles.set_master(cursor, spec.login)
                self._login = spec.login
                if spec.database:
                    roles.ensure_database(cursor, spec.database, owner=spec.login.username)
            elif not spec.login and not roles.has_master(cursor):
                raise NotYetError("waits for the name and password of the master user")
            roles.match_slots(cursor, spec.replicas)
        self._standby.tend(spec)
        self._backups.tend(spec)
