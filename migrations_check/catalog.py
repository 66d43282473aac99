"""What PostgreSQL's catalog says about the tables, before and after an operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_COLUMNS = """
SELECT c.relname, a.attname, a.attnotnull, a.atthasdef OR a.attidentity <> ''
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
  AND NOT a.attisdropped
"""
_INDEXES = """
SELECT i.relname, t.relname FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
WHERE t.relnamespace = current_schema()::regnamespace
"""


@dataclass(frozen=True, kw_only=True)
class Column:
    required: bool
    has_default: bool


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Columns by table and name."""

    columns: dict[tuple[str, str], Column]
    table_of_index: dict[str, str]


def look(connection: Any) -> Catalog:
    def rows(query: str) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    return Catalog(
        columns={(row[0], row[1]): Column(required=row[2], has_default=row[3]) for row in rows(_COLUMNS)},
        table_of_index={row[0]: row[1] for row in rows(_INDEXES)},
    )
