"""Runs what is not released yet, one migration after the other, and says what is wrong with each."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from django.apps import apps
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently, ValidateConstraint
from django.db.migrations import Migration, RunPython, RunSQL
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from migrations_check.catalog import Catalog, look
from migrations_check.recording import Recorder, title
from migrations_check.released import Key
from migrations_check.rules import RULES, Finding
from migrations_check.statements import Statement

_BY_THEMSELVES = (AddIndexConcurrently, RemoveIndexConcurrently, ValidateConstraint, RunPython, RunSQL)
"""Operations that may be in a migration that is not atomic."""

Reads = dict[str, dict[str, bool]]
"""By table, the columns that a release reads and writes, and whether it may write NULL."""


def judge(connection: Any, loader: MigrationLoader, *, released: Collection[Key]) -> list[Finding]:
    """Everything wrong with the migrations that are not released, waivers considered.

    Applies all migrations to the database, those that are released included unless they are applied, and takes the
    others back again.
    """
    executor = MigrationExecutor(connection)
    executor.loader = loader
    everything = [migration for migration, _ in executor.migration_plan(loader.graph.leaf_nodes(), clean_start=True)]
    new = [migration for migration in everything if _key(migration) not in released and not _is_librarys(migration)]
    before = [migration for migration in everything if migration not in new]
    applied = executor.recorder.applied_migrations()
    _run(executor, [(migration, False) for migration in before if _key(migration) not in applied])
    reads = _reads(loader, [_key(migration) for migration in before])
    findings: list[Finding] = []
    for migration in new:
        found, ran = _judge_one(connection, executor, migration, reads)
        findings += _waived(migration, found)
        if not ran:
            return findings
    return findings + _back(executor, new)


def _key(migration: Migration) -> Key:
    return migration.app_label, migration.name


def _is_librarys(migration: Migration) -> bool:
    return "site-packages" in apps.get_app_config(migration.app_label).path


def _file(migration: Migration) -> str:
    return f"{migration.app_label}/migrations/{migration.name}.py"


def _reads(loader: MigrationLoader, released: list[Key]) -> Reads:
    state = loader.project_state(released)
    return {
        model._meta.db_table: {field.column: field.null for field in model._meta.local_concrete_fields}
        for model in state.apps.get_models(include_auto_created=True)
        if model._meta.managed
    }


def _run(executor: MigrationExecutor, plan: list[tuple[Migration, bool]]) -> None:
    # The executor takes for granted that its loader knows what is applied.
    executor.loader.applied_migrations = executor.recorder.applied_migrations()
    executor.migrate(None, plan=plan)


def _judge_one(
    connection: Any, executor: MigrationExecutor, migration: Migration, reads: Reads
) -> tuple[list[Finding], bool]:
    file = _file(migration)
    findings = [
        Finding(file=file, operation=operation, rule=RULES[rule], detail=detail)
        for operation, rule, detail in _at_first_sight(migration)
    ]
    before = look(connection)
    gone: set[tuple[str, str]] = set()

    def compare(operation: str) -> None:
        nonlocal before
        after = look(connection)
        for rule, detail in _differences(before, after, reads, gone):
            findings.append(Finding(file=file, operation=operation, rule=RULES[rule], detail=detail))
        before = after

    indexes = before.table_of_index
    recorder = Recorder(connection, after_each=compare)
    failure: Exception | None = None
    with recorder.recording(migration):
        try:
            _run(executor, [(migration, False)])
        except Exception as error:  # noqa: BLE001  (whatever a migration raises is what is wrong with it)
            failure = error
    for operation, rule, detail in _by_statement(recorder.statements, migration, reads, indexes):
        findings.append(Finding(file=file, operation=operation, rule=RULES[rule], detail=detail))
    if failure:
        detail = f"{type(failure).__name__}: {str(failure).strip()}"
        findings.append(Finding(file=file, operation="the migration", rule=RULES["does-not-run"], detail=detail))
    return findings, failure is None


def _at_first_sight(migration: Migration) -> Iterator[tuple[str, str, str]]:
    for number, operation in enumerate(migration.operations, start=1):
        if not operation.reversible:
            yield title(operation, number), "no-way-back", "it cannot be reversed"
        if not migration.atomic and not isinstance(operation, _BY_THEMSELVES):
            yield title(operation, number), "mixes-atomic-and-not", "atomic = False"


def _differences(
    before: Catalog, after: Catalog, reads: Reads, gone: set[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    for table, columns in reads.items():
        for column, may_be_null in columns.items():
            place = (table, column)
            now = after.columns.get(place)
            if now is None and place in before.columns and place not in gone:
                gone.add(place)
                yield "removes-what-is-read", f"{table}.{column} is gone"
            elif now and now.required and may_be_null and not before.columns[place].required:
                yield "required-without-default", f"{table}.{column} has become NOT NULL"
    for (table, column), now in after.columns.items():
        if table in reads and column not in reads[table] and now.required and not now.has_default:
            was = before.columns.get((table, column))
            if was is None or not was.required or was.has_default:
                yield "required-without-default", f"{table}.{column} is NOT NULL and has no default"


def _by_statement(
    statements: list[Statement], migration: Migration, reads: Reads, indexes: dict[str, str]
) -> Iterator[tuple[str, str, str]]:
    altered: set[str] = set()
    by_hand = {title(operation, number) for number, operation in enumerate(migration.operations, start=1)
               if isinstance(operation, (RunPython, RunSQL))}  # fmt: skip
    for statement in statements:
        shown = " ".join(statement.sql.split())[:200]
        broken = statement.breaks(table_of_index=indexes)
        if broken and broken[1] in reads:
            yield statement.operation, broken[0], shown
        if statement.operation in by_hand and statement.touches_all_of(atomic=migration.atomic) in reads:
            yield statement.operation, "touches-all-rows-at-once", shown
        if (table := statement.alters()) in reads and migration.atomic:
            if statement.validates() and table in altered:
                yield statement.operation, "validates-under-lock", shown
            altered.add(str(table))


def _back(executor: MigrationExecutor, migrations: list[Migration]) -> list[Finding]:
    """Take them back, the last one first, so that the way back is known to be open."""
    for migration in reversed(migrations):
        if not all(operation.reversible for operation in migration.operations):
            break
        try:
            _run(executor, [(migration, True)])
        except Exception as error:  # noqa: BLE001
            file = _file(migration)
            detail = f"backwards: {type(error).__name__}: {str(error).strip()}"
            return [Finding(file=file, operation="the migration", rule=RULES["no-way-back"], detail=detail)]
    return []


def _waived(migration: Migration, findings: list[Finding]) -> list[Finding]:
    """Without those that the migration's `waived` names (`{"rule: operation": "reason"}`), with what is wrong there."""
    waivers: dict[str, str] = getattr(migration, "waived", {})
    names = {finding: f"{finding.rule.name}: {finding.operation}" for finding in findings}
    good = {name for name, reason in waivers.items() if reason.strip() and name in names.values()}
    file = _file(migration)
    useless = [
        Finding(file=file, operation=name, rule=RULES["waiver-without-effect"], detail=repr(waivers[name]))
        for name in waivers.keys() - good
    ]
    return [finding for finding in findings if names[finding] not in good] + useless
