"""A DB instance's data folder: made once, whole or not at all; its configuration written anew when it changes."""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
import time
from datetime import datetime
from pathlib import Path

import psutil

from localcloud import layout, tls
from localcloud.dataplane import paths, process
from localcloud.dataplane.errors import NotYetError, PartError
from localcloud.dataplane.postgres import barman, binaries, parameters
from localcloud.dataplane.specs import DatabaseSpec, RestoreSpec

_log = logging.getLogger(__name__)

SUPERUSER, REPLICATOR = "rdsadmin", "rdsrepladmin"

_MAIN, _HBA, _RESOURCE = "localcloud.conf", "pg_hba.conf", "localcloud.resource"
_RECOVERY, _RECOVERY_SIGNAL = "postgresql.auto.conf", "recovery.signal"
ARCHIVING = "localcloud.archiving"
_STANDBY = "localcloud.standby.conf"

# Our own users come through the unix socket alone, whose folder only its owner may enter.
_ACCESS = f"""\
local   all          {SUPERUSER}                  trust
local   replication  {REPLICATOR}              trust
hostssl all          {SUPERUSER},{REPLICATOR} 127.0.0.1/32 reject
{{kind}} all         all          127.0.0.1/32 scram-sha-256
"""


class DataFolder:
    """`<state folder>/rds/<identifier>`."""

    def __init__(self, identifier: str) -> None:
        self.identifier = identifier
        self.path = layout.folder("rds") / identifier

    @property
    def exists(self) -> bool:
        return self.path.exists()

    @property
    def is_standby(self) -> bool:
        return (self.path / "standby.signal").exists()

    @property
    def configured(self) -> bool:
        """Whether it has a configuration that PostgreSQL accepted."""
        return (self.path / _MAIN).exists()

    def set_aside_other(self, resource_id: str) -> None:
        """Move away the data of another instance that had the same identifier: a new instance starts empty, and data
        whose deletion nobody saw is not deleted."""
        if not self.exists or self._read(_RESOURCE) in (None, resource_id):
            return
        aside = self.path.with_name(f"{self.identifier}.left-{time.strftime('%Y%m%dT%H%M%S')}")
        self.path.rename(aside)
        _log.warning("%s: the data of an earlier instance of this name is now in %s", self.identifier, aside)

    def set_aside(self, why: str) -> None:
        """Move the data to where no server starts from it; it is not deleted."""
        aside = self.path.with_name(f"{self.identifier}.{why}-{time.strftime('%Y%m%dT%H%M%S')}")
        self.path.rename(aside)
        _log.warning("%s: set aside as %s", self.identifier, aside)

    def set_synchronous(self, names: str) -> bool:
        """Standbys that a commit waits for, as PostgreSQL's `synchronous_standby_names`; True when that is new."""
        return self._put(_STANDBY, parameters.file_text({"synchronous_standby_names": names}))

    def note_resource(self, resource_id: str) -> None:
        self._put(_RESOURCE, resource_id)

    def create_primary(self) -> None:
        """A fresh cluster, with checksums as on RDS.

        Its locale is C.UTF-8, which every machine has; RDS has en_US.UTF-8, which sorts text otherwise.
        """
        new = self._unfinished()
        binaries.run(
            "initdb",
            [
                f"--pgdata={new}",
                f"--username={SUPERUSER}",
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "--data-checksums",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-instructions",
            ],
        )
        self._finish(new)

    def create_standby(self, *, source_port: int, slot: str) -> None:
        """A copy of a running primary, which streams from `slot` there."""
        new = self._unfinished()
        connection = f"host={paths.sockets()} port={source_port} user={REPLICATOR} application_name={self.identifier}"
        binaries.run(
            "pg_basebackup",
            [
                f"--pgdata={new}",
                f"--dbname={connection}",
                "--write-recovery-conf",
                f"--slot={slot}",
                "--wal-method=stream",
                "--checkpoint=fast",
            ],
        )
        self._finish(new)

    def create_restored(self, restore: RestoreSpec) -> None:
        """A base backup, to be rolled forward by the server's first start."""
        new = self._unfinished()
        barman.restore(restore.archive, into=new, backup_id=restore.backup_id, time=restore.time)
        for stale in (_RESOURCE, ARCHIVING):
            (new / stale).unlink(missing_ok=True)
        settings = {
            "restore_command": barman.restore_command(restore.archive, spool=self._spool),
            "recovery_target_action": "promote",
            # Nobody is let in before the end: parameters may be smaller than they were, and nothing half-way is seen.
            "hot_standby": "off",
        }
        if restore.backup_id:
            settings["recovery_target"] = "immediate"
        elif restore.time:
            # ISO 8601, but not with T and Z.
            settings["recovery_target_time"] = datetime.fromisoformat(restore.time).isoformat(sep=" ")
        layout.write_private(new / _RECOVERY, parameters.file_text(settings))
        (new / _RECOVERY_SIGNAL).touch(mode=0o600)
        self._finish(new)

    @property
    def recovers(self) -> bool:
        """Whether it is still being rolled forward; PostgreSQL takes the file away at the end."""
        return (self.path / _RECOVERY_SIGNAL).exists()

    def forget_recovery(self) -> None:
        """Take away what a restore was told: a read replica's folder begins with a copy of these settings."""
        if self._read(_RECOVERY) and not self.is_standby and not self.recovers:
            self._put(_RECOVERY, "")
            shutil.rmtree(self._spool, ignore_errors=True)

    @property
    def archives(self) -> bool:
        """Whether the archive command keeps what it is given."""
        return (self.path / ARCHIVING).exists()

    def archive_from_now_on(self) -> None:
        """Have the archive command keep what it is given."""
        (self.path / ARCHIVING).touch(mode=0o600)

    def configure(self, spec: DatabaseSpec) -> bool:
        """Write the configuration; True when it is another than before. One that PostgreSQL refuses is not kept:
        PartError then has PostgreSQL's words."""
        material = tls.material()
        text = parameters.file_text(
            {
                "listen_addresses": layout.LOOPBACK,
                "port": str(spec.port),
                "unix_socket_directories": str(paths.sockets()),
                "unix_socket_permissions": "0700",
                "ssl": "on",
                "ssl_cert_file": str(material.certificate),
                "ssl_key_file": str(material.key),
                "ssl_min_protocol_version": "TLSv1.2",
                "password_encryption": "scram-sha-256",
                "cluster_name": spec.identifier,
                "log_line_prefix": "%t:%r:%u@%d:[%p]:",
                "timezone": "UTC",
                # A standby refuses to start with less than its primary has.
                "wal_level": "replica",
                "max_wal_senders": "10",
                "max_replication_slots": "10",
                # A replica goes on with the server that took the primary's place, which does not know its slot.
                "wal_keep_size": "256MB",
                # The default of 5 s would keep a standby waiting after a restart of its primary.
                "wal_retrieve_retry_interval": "1s",
                # RDS measures its volumes; here a server's own reads and writes tell how long they took.
                "track_io_timing": "on",
                **_archiving(spec),
                **parameters.settings(spec.parameters),
            }
        )
        access = _ACCESS.format(kind="hostssl" if parameters.tls_only(spec.parameters) else "host   ")
        changed = self._put(_HBA, access)
        before = self._read(_MAIN)
        if self._put(_MAIN, text):
            changed = True
            try:
                self._check()
            except PartError:
                if before is None:
                    (self.path / _MAIN).unlink()
                else:
                    self._put(_MAIN, before)
                raise
        return changed

    def remove_stale_lock(self) -> None:
        """After a crash postmaster.pid may name a process that is another program by now, or one that ended and whose
        parent has not noticed; PostgreSQL would wait for its end. Where it is gone PostgreSQL itself knows what to do.

        Raises NotYetError while processes of the former server are still there.
        """
        lock = self.path / "postmaster.pid"
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            if process.status() != psutil.STATUS_ZOMBIE and str(self.path) in process.cmdline():
                return
        except (FileNotFoundError, ValueError, psutil.Error):
            return
        if any(_folder_of(process) == str(self.path) for process in psutil.process_iter()):
            raise NotYetError("waits for the former server's processes to end")
        _log.warning("%s: removed the lock of process %d, which is no server of ours", self.identifier, pid)
        lock.unlink()

    def delete(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        shutil.rmtree(self._new, ignore_errors=True)
        shutil.rmtree(self._spool, ignore_errors=True)

    @property
    def _spool(self) -> Path:
        return self.path.with_name(f".{self.identifier}.wal")

    @property
    def _new(self) -> Path:
        return self.path.with_name(f".{self.identifier}.new")

    def _unfinished(self) -> Path:
        shutil.rmtree(self._new, ignore_errors=True)
        return self._new

    def _finish(self, new: Path) -> None:
        # A copy of a primary that waits for its standby would wait for it, too, and not have it.
        (new / _STANDBY).unlink(missing_ok=True)
        # Read last, so that ours wins; ALTER SYSTEM is RDS's to refuse.
        with (new / "postgresql.conf").open("a") as file:
            if new.joinpath(_MAIN).exists():
                new.joinpath(_MAIN).unlink()  # a base backup brings the primary's
            else:
                file.write(f"\ninclude_if_exists '{_MAIN}'\ninclude_if_exists '{_STANDBY}'\nallow_alter_system = off\n")
        new.rename(self.path)

    def _read(self, name: str) -> str | None:
        path = self.path / name
        return path.read_text() if path.exists() else None

    def _put(self, name: str, text: str) -> bool:
        if self._read(name) == text:
            return False
        layout.write_private(self.path / name, text)
        return True

    def _check(self) -> None:
        # Without a name that exists it would print; with one it reads the whole configuration first.
        done = subprocess.run(
            binaries.command("postgres", "-D", str(self.path), "-C", "max_connections"),
            capture_output=True,
            text=True,
            env=process.environment(),
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            # It also says which of the files that may be missing are.
            said = re.findall(r"(?:LOG|FATAL|ERROR):\s+(?!\s|skipping missing)(.*)", done.stderr)
            reason = said[0] if said else done.stderr.strip()
            raise PartError(re.sub(r' in file "[^"]*" line \d+', "", reason))


def _archiving(spec: DatabaseSpec) -> dict[str, str]:
    """Settings of continuous archiving, where the instance has automated backups."""
    if spec.archive is None:
        return {"archive_mode": "off"}
    return {"archive_mode": "on", "archive_command": barman.archive_command(spec.archive, unless_missing=ARCHIVING)}


def _folder_of(process: psutil.Process) -> str:
    try:
        return process.cwd()
    except psutil.Error:
        return ""
