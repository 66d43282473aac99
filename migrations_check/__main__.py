"""`python -m migrations_check`: judge the migrations that are not released yet, on a PostgreSQL of its own.

Ends with 0 when nothing is wrong, 1 when something is, 2 when that cannot be said. Needs no network.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

import django

from localcloud.dataplane.postgres import binaries
from migrations_check import released
from migrations_check.rules import RULES, Finding

_SOURCE = released.ROOT / "app_src"


def main() -> int:
    """The command line; returns the exit code."""
    try:
        release = released.read()
    except released.UnknownReleaseError as error:
        print(f"migrations: NOT CHECKED: {error}", file=sys.stderr)
        return 2
    findings = [
        Finding(file=f"{app}/migrations/{name}.py", operation="the file", rule=RULES["changed-after-release"],
                detail=f"it is not what {release.revision[:12]} has")
        for app, name in sorted(release.changed)
    ]  # fmt: skip
    with _database():
        sys.path.insert(0, str(_SOURCE))
        django.setup()
        from django.apps import apps
        from django.db import connection
        from django.db.migrations.loader import MigrationLoader

        from migrations_check.judgement import judge

        loader = MigrationLoader(connection)
        findings += judge(connection, loader, released=release.migrations)
        connection.close()
    for finding in findings:
        print(finding)
    new = {key for key in loader.disk_migrations if "site-packages" not in apps.get_app_config(key[0]).path}
    number = len(new - release.migrations)
    print(f"migrations: {number} since {release.revision[:12]}, {len(findings)} findings")
    return 1 if findings else 0


@contextlib.contextmanager
def _database() -> Iterator[None]:
    """An empty server behind a Unix socket, named in the environment; gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="migrations-") as folder:
        data = f"{folder}/data"
        binaries.run("initdb", ["--username", "check", "--auth", "trust", "--no-sync", "--locale=C", "--encoding=UTF8",
                                "-D", data])  # fmt: skip
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c shared_buffers=16MB"
        binaries.run("pg_ctl", ["-D", data, "-l", f"{folder}/log", "-w", "-o", options, "start"])
        try:
            lines = (_SOURCE / "build.env").read_text().splitlines()
            pairs = (line.partition("=") for line in lines if not line.startswith("#"))
            os.environ.update({name: value for name, _, value in pairs if name})
            os.environ.update(
                DATABASE_HOST=folder, DATABASE_PORT="5432", DATABASE_USERNAME="check", DATABASE_NAME="postgres",
                DATABASE_READER_NAME="postgres", DJANGO_SETTINGS_MODULE="spendsmart.settings", LOG_LEVEL="ERROR",
            )  # fmt: skip
            yield
        finally:
            binaries.run("pg_ctl", ["-D", data, "-m", "immediate", "-w", "stop"])


if __name__ == "__main__":
    sys.exit(main())
