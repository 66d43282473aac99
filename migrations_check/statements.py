"""Statements as they are executed, and what PostgreSQL said that it had to do for each.

At `client_min_messages = debug1` PostgreSQL names every table that it rewrites or looks through and every index that it
builds (tablecmds.c, index.c), on empty tables, too. So nothing is guessed from the text but the strength of the lock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import sqlparse

_REWRITES = re.compile(r'rewriting table "(\w+)"')
_LOOKS_THROUGH = re.compile(r'verifying table "(\w+)"')
_BUILDS = re.compile(r'building index "\w+" on table "(\w+)"')
_CHECKS_KEYS = re.compile(r'validating foreign key constraint "\w+"')

_NAME = r'(?:"?public"?\.)?"?(\w+)"?'
_ALTER_TABLE = re.compile(rf"ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?{_NAME}", re.IGNORECASE)
_DROP_INDEX = re.compile(rf"DROP\s+INDEX\s+(?:IF\s+EXISTS\s+)?{_NAME}", re.IGNORECASE)
_WRITES = re.compile(rf"(?:UPDATE|DELETE\s+FROM)\s+(?:ONLY\s+)?{_NAME}", re.IGNORECASE)
_READS = re.compile(rf"SELECT\b.*?\bFROM\s+(?:ONLY\s+)?{_NAME}", re.IGNORECASE | re.DOTALL)
_LIMIT = re.compile(r"\bLIMIT\s+(\d+)", re.IGNORECASE)
_VALIDATES = re.compile(r"\bVALIDATE\s+CONSTRAINT\b", re.IGNORECASE)
_SETS_NOT_NULL = re.compile(r"\bSET\s+NOT\s+NULL\b", re.IGNORECASE)
_CONCURRENTLY = re.compile(r"^CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\b", re.IGNORECASE)

_SOME = 21
"""Rows that Django's get() asks for at most (django.db.models.query.MAX_GET_RESULTS)."""


def split(sql: str) -> list[str]:
    """The statements of a script, without comments and empty ones."""
    cleaned = (sqlparse.format(statement, strip_comments=True).strip() for statement in sqlparse.split(sql))
    return [statement for statement in cleaned if statement.strip("; \n")]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """`said` are PostgreSQL's messages. `operation` is the title of the operation that it belongs to."""

    sql: str
    said: tuple[str, ...]
    operation: str

    def alters(self) -> str | None:
        """The table of an ALTER TABLE."""
        found = _ALTER_TABLE.match(self.sql)
        return found[1] if found else None

    def validates(self) -> bool:
        return bool(_VALIDATES.search(self.sql))

    def breaks(self, *, table_of_index: Mapping[str, str]) -> tuple[str, str] | None:
        """The rule about locks that it breaks, and the table that is locked."""
        if found := _DROP_INDEX.match(self.sql):
            return "index-drop-blocks", table_of_index.get(found[1], "")
        if table := self._of(_REWRITES):
            return "rewrites-table", table
        if self.validates():
            return None
        if table := self._of(_BUILDS):
            return None if _CONCURRENTLY.match(self.sql) else (self._index_rule(), table)
        if any(_CHECKS_KEYS.search(message) for message in self.said):
            return "foreign-key-blocks", self.alters() or ""
        if table := self._of(_LOOKS_THROUGH):
            return ("not-null-scans-table" if _SETS_NOT_NULL.search(self.sql) else "constraint-blocks"), table
        return None

    def touches_all_of(self, *, atomic: bool) -> str | None:
        """The table whose rows it reads or changes without a bound, or in batches that one transaction keeps together.

        Meant for tables without rows: there a loop over batches ends with the first query.
        """
        if found := _WRITES.match(self.sql):
            return found[1]
        if not (found := _READS.match(self.sql)):
            return None
        limits = [int(number) for number in _LIMIT.findall(self.sql)]
        bounded = bool(limits) and (not atomic or limits[-1] <= _SOME)
        return None if bounded else found[1]

    def _index_rule(self) -> str:
        return "unique-blocks" if self.alters() else "index-blocks-writes"

    def _of(self, pattern: re.Pattern[str]) -> str | None:
        return next((found[1] for message in self.said if (found := pattern.search(message))), None)
