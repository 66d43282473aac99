"""What a migration may take of a database in use, and what an interrupted one leaves behind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations.executor import MigrationExecutor
from psycopg2.extensions import TRANSACTION_STATUS_INERROR

_BLOCKS_NOBODY = re.compile(
    r"^\s*(CREATE\s+(UNIQUE\s+)?INDEX\s+CONCURRENTLY|DROP\s+INDEX\s+CONCURRENTLY|REINDEX\s.*\sCONCURRENTLY"
    r"|ALTER\s+TABLE\s+\S+\s+VALIDATE\s+CONSTRAINT)\b",
    re.IGNORECASE,
)
"""They take a SHARE UPDATE EXCLUSIVE lock, behind which nobody waits who reads or writes rows."""

_ONE_AT_A_TIME = 0x5350454E44  # "SPEND": the key of an advisory lock


class AnotherRunsError(Exception):
    """Another migration of the same database is running."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Seconds: to wait for a lock, for a statement to end, for one that blocks nobody to end."""

    lock: float
    statement: float
    long: float


@contextmanager
def limited(connection: Any, limits: Limits) -> Iterator[None]:
    """Every statement inside is under these limits, on whichever connection; afterwards there is none left of them."""
    kept = connection.settings_dict["OPTIONS"]
    limiting = f"-c lock_timeout={_milliseconds(limits.lock)} -c statement_timeout={_milliseconds(limits.statement)}"
    connection.close()
    connection.settings_dict["OPTIONS"] = {**kept, "options": limiting}

    def execute(run: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not _BLOCKS_NOBODY.match(str(sql)):
            return run(sql, params, many, context)
        with _without_hurry(connection, limits):
            return run(sql, params, many, context)

    try:
        with connection.execute_wrapper(execute):
            yield
    finally:
        connection.close()
        connection.settings_dict["OPTIONS"] = kept


@contextmanager
def _without_hurry(connection: Any, limits: Limits) -> Iterator[None]:
    # A cursor of the driver: this must not come back to the wrapper above.
    with connection.connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = 0; SET statement_timeout = {_milliseconds(limits.long)}")
        try:
            yield
        finally:
            # A transaction that failed takes settings no more, and takes those of its own back.
            if cursor.connection.info.transaction_status != TRANSACTION_STATUS_INERROR:
                cursor.execute("RESET lock_timeout; RESET statement_timeout")


@contextmanager
def alone(connection: Any) -> Iterator[None]:
    """No other migration runs meanwhile. Raises AnotherRunsError.

    It does not wait: a session that waits holds a snapshot, for whose end the other's concurrent index would wait.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", (_ONE_AT_A_TIME,))
        if not cursor.fetchone()[0]:
            raise AnotherRunsError("another migration of this database is running")
    # The lock goes with the connection, which `limited` closes.
    yield


def drop_leftovers(connection: Any) -> list[str]:
    """Drop what is there of the concurrent indexes that migrations yet to be run make; their names.

    Such a migration is no transaction: when it is interrupted its index stays, mostly invalid, and stands in the way.
    """
    executor = MigrationExecutor(connection)
    names = [
        operation.index.name
        for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())
        for operation in migration.operations
        if isinstance(operation, AddIndexConcurrently)
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'i' AND relname = ANY (%s)", (names,))
        found = [name for (name,) in cursor.fetchall()]
        for name in found:
            cursor.execute(f"DROP INDEX CONCURRENTLY {connection.ops.quote_name(name)}")
    return found


def invalid_indexes(connection: Any) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1")
        return [name for (name,) in cursor.fetchall()]


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
