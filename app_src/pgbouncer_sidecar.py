"""Run PgBouncer as this task's sidecar: `python -m pgbouncer_sidecar`.

Writes pgbouncer.ini and userlist.txt from the container's environment into SCRATCH_DIR and becomes pgbouncer.
Two databases are offered, DATABASE_NAME (the writer) and DATABASE_NAME_reader, in transaction pooling.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

_CONFIG = """\
[databases]
{name} = host={writer_host} port={writer_port} dbname={name} pool_size={writer_pool_size}
{name}_reader = host={reader_host} port={reader_port} dbname={name} pool_size={reader_pool_size}

[pgbouncer]
listen_addr = {address}
listen_port = {port}
; Containers of one task share an address, not a file system: no socket, and so no console over one.
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {userlist}
admin_users =
stats_users =

pool_mode = transaction
max_client_conn = {max_client_connections}
; The password in auth_file also opens the servers. They refuse unencrypted connections, and so do we.
server_tls_sslmode = require
server_reset_query =
; A statement that waits longer than this for a server connection fails instead of piling up.
query_wait_timeout = 10
server_connect_timeout = 5
; One that a server has not answered by then never will be: a host that hangs keeps its connections open.
query_timeout = {statement_seconds}
; After a refused login (a restarting server) try again soon: the default 15 s would outlast a failover.
server_login_retry = 1
server_idle_timeout = 300
server_lifetime = 1800
tcp_keepalive = 1
tcp_keepidle = 30
tcp_keepintvl = 10
tcp_keepcnt = 3
; What drivers send at the start and transaction pooling cannot keep per client.
ignore_startup_parameters = extra_float_digits,options

logfile =
pidfile =
log_connections = 0
log_disconnections = 0
stats_period = 300
"""


class SettingsError(Exception):
    """The environment does not describe a sidecar; the message names every variable at fault."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the task definition gives this container; each field is read from the variable in capitals."""

    pgbouncer_address: str
    pgbouncer_port: int
    scratch_dir: str
    writer_host: str
    writer_port: int
    reader_host: str
    reader_port: int
    database_name: str
    writer_pool_size: int
    reader_pool_size: int
    max_client_connections: int
    statement_seconds: int
    database_username: str
    database_password: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Raises SettingsError naming what is missing, not a number, or would break out of its line."""
        values: dict[str, str | int] = {}
        faults = []
        for field in fields(cls):
            variable = field.name.upper()
            text = environment.get(variable, "")
            if not text:
                faults.append(f"{variable} is not set")
            elif field.type == "int":
                if text.isascii() and text.isdigit() and int(text) > 0:
                    values[field.name] = int(text)
                else:
                    faults.append(f"{variable} is {text!r}, not a positive whole number")
            elif field.name != "database_password" and not text.replace("\\", "/").isprintable():
                faults.append(f"{variable} holds characters that cannot be printed")
            elif field.name in _WORDS and any(character.isspace() or character in "'\"=;#" for character in text):
                faults.append(f"{variable} is {text!r}; spaces, quotes, '=', ';' and '#' are not possible in it")
            elif field.name == "database_password" and any(character in "\r\n\0" for character in text):
                faults.append(f"{variable} holds a line break")
            else:
                values[field.name] = text
        if faults:
            raise SettingsError("; ".join(faults))
        return cls(**values)  # type: ignore[arg-type]


_WORDS = {"pgbouncer_address", "writer_host", "reader_host", "database_name"}


def render_config(settings: Settings, *, userlist: Path) -> str:
    """The text of pgbouncer.ini."""
    return _CONFIG.format(
        name=settings.database_name,
        writer_host=settings.writer_host,
        writer_port=settings.writer_port,
        writer_pool_size=settings.writer_pool_size,
        reader_host=settings.reader_host,
        reader_port=settings.reader_port,
        reader_pool_size=settings.reader_pool_size,
        address=settings.pgbouncer_address,
        port=settings.pgbouncer_port,
        max_client_connections=settings.max_client_connections,
        statement_seconds=settings.statement_seconds,
        userlist=userlist,
    )


def render_userlist(settings: Settings) -> str:
    """The text of userlist.txt: the plain password, since scram to the servers needs it. Quotes are doubled."""
    user, password = (text.replace('"', '""') for text in (settings.database_username, settings.database_password))
    return f'"{user}" "{password}"\n'


def write_files(settings: Settings) -> Path:
    """Write both files, readable by their owner only, and return the path of pgbouncer.ini."""
    folder = Path(settings.scratch_dir)
    config, userlist = folder / "pgbouncer.ini", folder / "userlist.txt"
    for path, text in ((userlist, render_userlist(settings)), (config, render_config(settings, userlist=userlist))):
        path.unlink(missing_ok=True)  # a leftover file would keep its own, perhaps wider, mode
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    return config


def main() -> None:
    """Becomes pgbouncer; exits with 78 for a bad environment, with 127 without the program."""
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        print(f"pgbouncer sidecar: {error}", file=sys.stderr)
        sys.exit(78)
    program = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if program is None:
        print("pgbouncer sidecar: the program pgbouncer is not installed", file=sys.stderr)
        sys.exit(127)
    config = write_files(settings)
    # The password is in the file now; the process that listens on the port need not carry it in its environment.
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_PASSWORD"}
    os.execve(program, [program, str(config)], environment)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
