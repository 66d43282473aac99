"""What is refused, why it hurts, and what to do instead."""

from __future__ import annotations

from dataclasses import dataclass

_DOCS = "https://www.postgresql.org/docs/17"
_ALTER_TABLE = f"{_DOCS}/sql-altertable.html"
_LOCKS = f"{_DOCS}/explicit-locking.html"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`source` is the page that says so."""

    name: str
    why: str
    source: str
    remedy: str


_ALL = [
    Rule(
        name="removes-what-is-read",
        why="The previous release still reads it while this one is rolled out, and after a rollback.",
        source=_ALTER_TABLE,
        remedy="Stop using it first, by SeparateDatabaseAndState with state operations alone, and drop it in a "
        "release after that. Instead of renaming, add the new one, write both, and drop the old one later.",
    ),
    Rule(
        name="required-without-default",
        why="The previous release writes rows that do not name the column, or leave it NULL: each such write fails.",
        source=_ALTER_TABLE,
        remedy="Make it null=True or give it a db_default (a default alone is Django's, not the database's).",
    ),
    Rule(
        name="rewrites-table",
        why="ACCESS EXCLUSIVE lock for as long as every row is written anew: no reads and no writes meanwhile.",
        source=_ALTER_TABLE,
        remedy="Add a new column, fill it in batches, and let a later release drop the old one.",
    ),
    Rule(
        name="not-null-scans-table",
        why="ACCESS EXCLUSIVE lock for as long as all rows are looked at: no reads and no writes meanwhile.",
        source=_ALTER_TABLE,
        remedy="First AddConstraintNotValid of a CheckConstraint that it is not null, then ValidateConstraint; with "
        "that in place SET NOT NULL looks at no row.",
    ),
    Rule(
        name="index-blocks-writes",
        why="SHARE lock for as long as the index is built: no writes meanwhile.",
        source=f"{_DOCS}/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",
        remedy="AddIndexConcurrently, in a migration of its own with atomic = False.",
    ),
    Rule(
        name="index-drop-blocks",
        why="ACCESS EXCLUSIVE lock, which waits for every query on the table, and lets none start meanwhile.",
        source=f"{_DOCS}/sql-dropindex.html",
        remedy="RemoveIndexConcurrently, in a migration of its own with atomic = False.",
    ),
    Rule(
        name="unique-blocks",
        why="ACCESS EXCLUSIVE lock for as long as the index is built: no reads and no writes meanwhile.",
        source=_ALTER_TABLE,
        remedy="CREATE UNIQUE INDEX CONCURRENTLY in a migration with atomic = False; then, in the next, RunSQL of ADD "
        "CONSTRAINT … UNIQUE USING INDEX with state_operations=[AddConstraint(…)].",
    ),
    Rule(
        name="foreign-key-blocks",
        why="SHARE ROW EXCLUSIVE lock on both tables for as long as all rows are checked: no writes meanwhile.",
        source=_ALTER_TABLE,
        remedy="ADD CONSTRAINT … NOT VALID first, and VALIDATE CONSTRAINT in the next migration. (On a new column "
        "that is nullable and has no default there is nothing to check: that is accepted.)",
    ),
    Rule(
        name="constraint-blocks",
        why="ACCESS EXCLUSIVE lock for as long as all rows are checked: no reads and no writes meanwhile.",
        source=_ALTER_TABLE,
        remedy="AddConstraintNotValid first, and ValidateConstraint in the next migration.",
    ),
    Rule(
        name="validates-under-lock",
        why="VALIDATE CONSTRAINT locks little, but what else this transaction did to the table locks it until the end.",
        source=_LOCKS,
        remedy="ValidateConstraint in a migration of its own.",
    ),
    Rule(
        name="touches-all-rows-at-once",
        why="One transaction over a whole table keeps every row that it changed locked, and keeps vacuum from all "
        "tables, until it ends.",
        source=_LOCKS,
        remedy="RunPython in a migration of its own with atomic = False: some thousand rows a transaction, in the "
        "order of the key (receipts/migrations/0008_searchable.py does so).",
    ),
    Rule(
        name="mixes-atomic-and-not",
        why="With atomic = False each statement is committed by itself: what fails half-way leaves half of this "
        "behind, and cannot be run again.",
        source=f"{_DOCS}/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",
        remedy="Keep atomic = False for concurrent indexes, ValidateConstraint and RunPython in batches; the rest goes "
        "into a migration of its own.",
    ),
    Rule(
        name="no-way-back",
        why="When the release is rolled back for good, its schema cannot be.",
        source="https://docs.djangoproject.com/en/5.2/topics/migrations/#reversing-migrations",
        remedy="Give RunPython a reverse_code and RunSQL a reverse_sql; where nothing needs to be undone, noop.",
    ),
    Rule(
        name="does-not-run",
        why="PostgreSQL or Django refused it.",
        source=_ALTER_TABLE,
        remedy="Mend it; nothing after it was judged.",
    ),
    Rule(
        name="changed-after-release",
        why="Databases that have it will not run it again: from here on they differ from those that have not.",
        source="https://docs.djangoproject.com/en/5.2/topics/migrations/",
        remedy="Leave the file as it was released, and write a new migration.",
    ),
    Rule(
        name="waiver-without-effect",
        why="It waives nothing that is there, or says no reason: the next one who needs it will not be stopped.",
        source="docs/migrations.md",
        remedy="Delete it, or say why.",
    ),
]

RULES = {rule.name: rule for rule in _ALL}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`file` is the migration, from the application's folder; `operation` as it can be named in a waiver."""

    file: str
    operation: str
    rule: Rule
    detail: str

    def __str__(self) -> str:
        return (
            f"{self.file}: {self.operation}: {self.rule.name}\n"
            f"    found   {self.detail}\n    why     {self.rule.why}\n"
            f"    source  {self.rule.source}\n    remedy  {self.rule.remedy}"
        )
