"""Runs one migration on a real database and remembers what each of its operations executed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db.migrations import Migration, RunPython, RunSQL, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation

from migrations_check.statements import Statement, split


def title(operation: Operation, number: int) -> str:
    """As in `AddField receipt.total`; an operation without a name has its number in the migration, from 1."""
    kind = type(operation).__name__
    if isinstance(operation, RunPython):
        return f"{kind} {operation.code.__name__}"
    if isinstance(operation, (RunSQL, SeparateDatabaseAndState)):
        return f"{kind} {number}"
    own = next(
        (
            value if isinstance(value, str) else value.name
            for attribute in ("name", "index", "constraint", "old_name")
            if (value := getattr(operation, attribute, None))
        ),
        str(number),
    )
    model = getattr(operation, "model_name", None)
    return f"{kind} {model}.{own}" if model else f"{kind} {own}"


class Recorder:
    """Wraps a migration's operations while it is applied; `statements` are those executed, in their order."""

    def __init__(self, connection: Any, *, after_each: Callable[[str], None]) -> None:
        self.statements: list[Statement] = []
        self._connection = connection
        self._after_each = after_each
        self._running = ""
        self._deferred_by: dict[str, str] = {}
        self._paused = False

    @contextmanager
    def recording(self, migration: Migration) -> Iterator[None]:
        """Whatever is executed inside is remembered."""
        operations = migration.operations
        for number, operation in enumerate(operations, start=1):
            self._wrap(operation, title(operation, number))
        self._connection.ensure_connection()
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("SET client_min_messages = debug1")
            with self._connection.execute_wrapper(self._execute):
                yield
        finally:
            for operation in operations:
                del operation.database_forwards

    def _wrap(self, operation: Operation, named: str) -> None:
        forwards = operation.database_forwards

        def run(app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
            self._running = named
            known = len(schema_editor.deferred_sql)
            forwards(app_label, schema_editor, from_state, to_state)
            self._deferred_by |= {str(sql): named for sql in schema_editor.deferred_sql[known:]}
            self._running = ""
            self._paused = True
            self._after_each(named)
            self._paused = False

        operation.database_forwards = run

    def _execute(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if self._paused:
            return execute(sql, params, many, context)
        named = self._running or self._deferred_by.get(str(sql), "")
        # Each statement by itself, so that it is known which of them PostgreSQL had what to do for.
        pieces = split(sql) if params is None and not many else [str(sql)]
        notices, result = self._connection.connection.notices, None
        for piece in pieces:
            del notices[:]
            result = execute(piece, params, many, context)
            bound = piece if params is None or many else context["cursor"].mogrify(piece, params).decode()
            self.statements.append(Statement(sql=bound, said=tuple(notices), operation=named))
        return result
