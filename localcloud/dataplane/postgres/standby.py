"""The second copy of a Multi-AZ instance, in step with the first: what is committed is on both.

RDS copies the volume, block by block, and nobody can read the copy; here it is a synchronous standby that nobody has
the address of. When the first copy is lost, or answers nobody, the second takes its place under the same address:
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.MultiAZSingleStandby.html
"""

from __future__ import annotations

import logging
import signal
import time
from dataclasses import replace

import psutil
import psycopg2

from localcloud import layout
from localcloud.dataplane import paths, process
from localcloud.dataplane.errors import PartError
from localcloud.dataplane.postgres import binaries, roles
from localcloud.dataplane.postgres.folder import SUPERUSER, DataFolder
from localcloud.dataplane.specs import DatabaseSpec

_log = logging.getLogger(__name__)

_SLOT = "multi_az_standby"
_PROBE_EVERY, _PROBE_PATIENCE, _PROBES = 1.0, 4, 3
"""Seconds between two questions to the primary and seconds for each answer; how many in a row it may leave open.
A busy machine answers one of them: with two of three seconds a failover was made for nothing."""


class Standby:
    """`identifier` is the instance's. All calls come from the instance's own thread."""

    def __init__(self, identifier: str) -> None:
        self._name = f"{identifier}.standby"
        self._folder = DataFolder(self._name)
        self._server = process.Server(name=f"rds-{self._name}", stop_signal=signal.SIGINT, patience=10)
        self._in_step = False
        self._probed_at = 0.0

    def must_take_over(self, spec: DatabaseSpec, primary: DataFolder, server: process.Server) -> bool:
        """Whether the primary is lost, its data gone or its server silent, and the standby has all that it had."""
        if not (spec.multi_az and self._in_step):
            return False
        if not primary.exists:
            return True
        if not server.alive() or time.monotonic() < self._probed_at + _PROBE_EVERY:
            return False
        self._probed_at = time.monotonic()
        # All of them now: whatever else would be asked of a server that hangs has to be waited for, too.
        return not any(_answers(spec.port) for _ in range(_PROBES))

    def take_over(self, spec: DatabaseSpec, primary: DataFolder, server: process.Server) -> None:
        """Put the standby's data in the primary's place, from where the instance starts and promotes it.

        The old primary is ended first and its data set aside: it must never come back as a second one.
        """
        _log.warning("%s: the primary is lost; its standby takes over", spec.identifier)
        server.kill()
        if primary.exists:
            for member in _processes_in(primary):
                member.kill()
            primary.set_aside("fenced")
        self._server.stop_leftover()
        self._server.stop()
        self._folder.set_synchronous("")
        self._folder.path.rename(primary.path)
        self._in_step = False

    def tend(self, spec: DatabaseSpec) -> None:
        """With a primary that is well: see to it that the standby runs, and is waited for while it is in step. One
        that has troubles of its own does not hold up the primary."""
        if not spec.multi_az:
            return
        try:
            self._tend(spec)
        except PartError as error:
            self._in_step = False
            self._wait_for_it(spec, wait=False)
            _log.warning("%s: its standby: %s", spec.identifier, error)

    def _tend(self, spec: DatabaseSpec) -> None:
        port = layout.allocate_port("rds", self._name)
        if not self._folder.exists:
            roles.ensure_slot(spec.port, _SLOT)
            self._folder.create_standby(source_port=spec.port, slot=_SLOT)
        self._folder.configure(replace(spec, port=port, source=spec.identifier))
        if not self._server.alive():
            self._folder.remove_stale_lock()
        self._server.ensure(binaries.command("postgres", "-D", str(self._folder.path)))
        streams = roles.streams_to(spec.port, self._name)
        self._wait_for_it(spec, wait=streams)
        self._in_step = streams and roles.is_synchronous(spec.port, self._name)

    def _wait_for_it(self, spec: DatabaseSpec, *, wait: bool) -> None:
        if DataFolder(spec.identifier).set_synchronous(f'"{self._name}"' if wait else ""):
            _log.info("%s: its standby is %s", spec.identifier, "in step" if wait else "not waited for")
            with roles.connection(spec.port) as cursor:
                cursor.execute("SELECT pg_reload_conf()")

    def stop(self) -> None:
        self._server.stop_leftover()
        self._server.stop()

    def delete(self) -> None:
        self.stop()
        self._folder.delete()
        layout.release_port("rds", self._name)


def _answers(port: int) -> bool:
    """Whether a server says anything: that it is just starting is an answer, too."""
    try:
        psycopg2.connect(
            host=str(paths.sockets()), port=port, user=SUPERUSER, dbname="postgres", connect_timeout=_PROBE_PATIENCE
        ).close()
    except psycopg2.OperationalError as error:
        return "timeout expired" not in str(error)
    return True


def _processes_in(folder: DataFolder) -> list[psutil.Process]:
    found = []
    for candidate in psutil.process_iter():
        try:
            if candidate.cwd() == str(folder.path):
                found.append(candidate)
        except psutil.Error:
            continue
    return found
