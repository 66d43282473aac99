"""Each rule: the smallest migration that breaks it, and the nearest that does not."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import connections, models
from django.db.migrations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    CreateModel,
    DeleteModel,
    Migration,
    RemoveField,
    RemoveIndex,
    RenameField,
    RenameModel,
    RunPython,
    RunSQL,
    SeparateDatabaseAndState,
)
from django.db.migrations.loader import MigrationLoader

from migrations_check import released
from migrations_check.judgement import judge
from migrations_check.rules import RULES
from spendsmart.operations import AddFieldUnchecked

Rules = Callable[..., list[str]]
NAME = "9999_under_test"


class _Loader(MigrationLoader):
    """With one migration of receipts that is in no file."""

    def __init__(self, connection: Any, **attributes: Any) -> None:
        self._attributes = attributes
        super().__init__(connection)

    def load_disk(self) -> None:
        super().load_disk()
        last = max(name for app, name in self.disk_migrations if app == "receipts")
        body = {"dependencies": [("receipts", last)], **self._attributes}
        made = type("Under", (Migration,), body)(NAME, "receipts")
        self.disk_migrations["receipts", NAME] = made


@pytest.fixture
def rules(django_db_setup: None, django_db_blocker: Any) -> Iterator[Rules]:
    """The rules that a migration of these operations breaks, in a database that has all others."""
    with django_db_blocker.unblock():
        ours = connections["default"]
        ours.close()
        copied = ours.copy()
        copied.settings_dict["NAME"] = "checked"
        template = ours.settings_dict["NAME"]
        with ours._nodb_cursor() as cursor:
            cursor.execute(f'CREATE DATABASE checked TEMPLATE "{template}"')
        connections["default"] = copied

        def broken(operations: Sequence[Any], *, before: Sequence[str] = (), **attributes: Any) -> list[str]:
            with copied.cursor() as cursor:
                for statement in before:
                    cursor.execute(statement)
            loader = _Loader(copied, operations=list(operations), **attributes)
            known = loader.disk_migrations.keys() - {("receipts", NAME)}
            return [found.rule.name for found in judge(copied, loader, released=known)]

        try:
            yield broken
        finally:
            copied.close()
            connections["default"] = ours
            with ours._nodb_cursor() as cursor:
                cursor.execute("DROP DATABASE checked WITH (FORCE)")


def _update_all(apps: Any, _editor: Any) -> None:
    apps.get_model("receipts", "Receipt").objects.update(merchant="")


def _one_by_one(apps: Any, _editor: Any) -> None:
    for receipt in apps.get_model("receipts", "Receipt").objects.all():
        receipt.save()


def _in_batches(apps: Any, _editor: Any) -> None:
    all_of_them = apps.get_model("receipts", "Receipt").objects.order_by("id")
    while ids := list(all_of_them.filter(merchant="x").values_list("id", flat=True)[:1000]):
        all_of_them.filter(id__in=ids).update(merchant="")


def _make_one(apps: Any, _editor: Any) -> None:
    apps.get_model("auth", "Group").objects.get_or_create(name="readers")


def _sql(forwards: str, backwards: str = RunSQL.noop) -> RunSQL:
    return RunSQL(forwards, backwards)


INDEX = models.Index(fields=["merchant"], name="under_test")
CHECK = models.CheckConstraint(condition=models.Q(size__gte=0), name="under_test")
UNIQUE = models.UniqueConstraint(fields=["user", "created_at"], name="under_test")
NEW_TABLE = CreateModel("Note", [("id", models.BigAutoField(primary_key=True)), ("text", models.TextField())])
KEY_TO_USER = "ALTER TABLE receipts_receipt ADD CONSTRAINT k FOREIGN KEY (user_id) REFERENCES accounts_user (id)"
NO_KEY = "ALTER TABLE receipts_receipt DROP CONSTRAINT k"
NOT_NULL = "ALTER TABLE receipts_receipt ALTER merchant SET NOT NULL"
NULLABLE = "ALTER TABLE receipts_receipt ALTER merchant DROP NOT NULL"

REFUSED = {
    "a column dropped": ("removes-what-is-read", [RemoveField("receipt", "reason")]),
    "a column dropped in SQL": (
        "removes-what-is-read",
        [_sql("ALTER TABLE receipts_lineitem DROP unit_price", "ALTER TABLE receipts_lineitem ADD unit_price int")],
    ),
    "a column renamed": ("removes-what-is-read", [RenameField("receipt", "reason", "why")]),
    "a table renamed": ("removes-what-is-read", [RenameModel("LineItem", "Line")]),
    "a table dropped": ("removes-what-is-read", [DeleteModel("LineItem")]),
    "a default that is Django's alone": (
        "required-without-default",
        [AddField("receipt", "note", models.CharField(default="", max_length=9))],
    ),
    "NULL forbidden": (
        "required-without-default",
        [AlterField("receipt", "retry_at", models.DateTimeField(db_default=models.functions.Now()))],
    ),
    "a type changed": ("rewrites-table", [AlterField("receipt", "size", models.BigIntegerField())]),
    "a column narrowed": ("rewrites-table", [AlterField("receipt", "reason", models.CharField(max_length=9))]),
    "a default that differs by row": (
        "rewrites-table",
        [_sql("ALTER TABLE receipts_receipt ADD u uuid DEFAULT gen_random_uuid()",
              "ALTER TABLE receipts_receipt DROP u")],
    ),
    "an index": ("index-blocks-writes", [AddIndex("receipt", INDEX)]),
    "the index of a foreign key, made at the end": (
        "index-blocks-writes",
        [AddField("receipt", "other", models.ForeignKey("receipts.Receipt", models.SET_NULL, null=True))],
    ),
    "an index in a block of code": (
        "index-blocks-writes",
        [_sql("DO $$ BEGIN CREATE INDEX i ON receipts_receipt (size); END $$", "DROP INDEX i")],
    ),
    "an index dropped": ("index-drop-blocks", [RemoveIndex("receipt", "receipt_by_day")]),
    "a unique constraint": ("unique-blocks", [AddConstraint("receipt", UNIQUE)]),
    "a foreign key": ("foreign-key-blocks", [_sql(KEY_TO_USER, NO_KEY)]),
    "a check": ("constraint-blocks", [AddConstraint("receipt", CHECK)]),
    "the check of a column's type": (
        "constraint-blocks",
        [AddField("receipt", "pages", models.PositiveIntegerField(null=True))],
    ),
    "checked in the same transaction": (
        "validates-under-lock",
        [AddConstraintNotValid("receipt", CHECK), ValidateConstraint("receipt", "under_test")],
    ),
    "all rows updated": ("touches-all-rows-at-once", [RunPython(_update_all, RunPython.noop)]),
    "all rows updated in SQL": ("touches-all-rows-at-once", [_sql("UPDATE receipts_receipt SET merchant = ''")]),
    "row by row in one transaction": ("touches-all-rows-at-once", [RunPython(_one_by_one, RunPython.noop)]),
    "batches in one transaction": ("touches-all-rows-at-once", [RunPython(_in_batches, RunPython.noop)]),
    "no reverse": ("no-way-back", [RunPython(_make_one)]),
    "a reverse that fails": ("no-way-back", [_sql("CREATE TABLE notes (id int)", "DROP TABLE not_there")]),
    "concurrently in a transaction": ("does-not-run", [AddIndexConcurrently("receipt", INDEX)]),
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(("rule", "operations"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(rules: Rules, rule: str, operations: list[Any]) -> None:
    assert rule in rules(operations)


ACCEPTED = {
    "a column forgotten but not dropped": [SeparateDatabaseAndState([], [RemoveField("receipt", "reason")])],
    "a default of the database's": [AddField("receipt", "note", models.CharField(db_default="", max_length=9))],
    "a nullable column": [AddField("receipt", "note", models.CharField(null=True, max_length=9))],
    "NULL allowed": [AlterField("receipt", "size", models.PositiveIntegerField(null=True))],
    "a column widened": [AlterField("receipt", "reason", models.CharField(blank=True, max_length=600))],
    "a new table, its index and its constraint": [
        NEW_TABLE,
        AddIndex("note", models.Index(fields=["text"], name="under_test")),
        AddConstraint("note", models.UniqueConstraint(fields=["text"], name="once")),
    ],
    "a foreign key of a new, nullable column": [
        AddField("receipt", "other", models.ForeignKey("receipts.Receipt", models.SET_NULL, null=True, db_index=False))
    ],
    "a foreign key that is not checked yet": [_sql(f"{KEY_TO_USER} NOT VALID", NO_KEY)],
    "a check that is not checked yet": [AddConstraintNotValid("receipt", CHECK)],
    "a column with its check unchecked": [
        AddFieldUnchecked("receipt", "pages", models.PositiveIntegerField(null=True))
    ],
    "one row made": [RunPython(_make_one, RunPython.noop)],
}


@pytest.mark.django_db
@pytest.mark.parametrize("operations", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepted(rules: Rules, operations: list[Any]) -> None:
    assert rules(operations) == []


NOT_ATOMIC = {
    "an index": [AddIndexConcurrently("receipt", INDEX)],
    "an index dropped": [RemoveIndexConcurrently("receipt", "receipt_by_day")],
    "rows in batches": [RunPython(_in_batches, RunPython.noop)],
    "a unique index": [
        _sql("CREATE UNIQUE INDEX CONCURRENTLY u ON receipts_receipt (user_id, created_at)",
             "DROP INDEX CONCURRENTLY u")
    ],
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("operations", NOT_ATOMIC.values(), ids=NOT_ATOMIC.keys())
def test_accepted_when_not_atomic(rules: Rules, operations: list[Any]) -> None:
    assert rules(operations, atomic=False) == []


@pytest.mark.django_db
def test_a_unique_constraint_of_an_index_that_is_there_is_accepted(rules: Rules) -> None:
    index = "CREATE UNIQUE INDEX u ON receipts_receipt (user_id, created_at)"
    using = _sql("ALTER TABLE receipts_receipt ADD CONSTRAINT once UNIQUE USING INDEX u",
                 "ALTER TABLE receipts_receipt DROP CONSTRAINT once")  # fmt: skip
    assert rules([using], before=[index]) == []


@pytest.mark.django_db
def test_a_constraint_that_is_there_is_checked_without_complaint(rules: Rules) -> None:
    there = "ALTER TABLE receipts_receipt ADD CONSTRAINT c CHECK (size >= 0) NOT VALID"
    assert rules([ValidateConstraint("receipt", "c")], before=[there]) == []


@pytest.mark.django_db
def test_not_null_needs_a_constraint_that_says_so(rules: Rules) -> None:
    assert rules([_sql(NOT_NULL, NULLABLE)], before=[NULLABLE]) == ["not-null-scans-table"]


@pytest.mark.django_db
def test_not_null_with_a_constraint_that_says_so_is_accepted(rules: Rules) -> None:
    proof = "ALTER TABLE receipts_receipt ADD CONSTRAINT c CHECK (merchant IS NOT NULL)"
    assert rules([_sql(NOT_NULL, NULLABLE)], before=[NULLABLE, proof]) == []


@pytest.mark.django_db
def test_what_is_not_atomic_holds_nothing_that_must_be(rules: Rules) -> None:
    note = AddField("receipt", "note", models.CharField(null=True, max_length=9))
    assert rules([note, AddIndexConcurrently("receipt", INDEX)], atomic=False) == ["mixes-atomic-and-not"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("waived", "left"),
    [
        ({"index-blocks-writes: AddIndex receipt.under_test": "The table has ten rows."}, []),
        ({"index-blocks-writes: AddIndex receipt.under_test": " "}, ["index-blocks-writes", "waiver-without-effect"]),
        ({"rewrites-table: AddIndex receipt.under_test": "No."}, ["index-blocks-writes", "waiver-without-effect"]),
    ],
    ids=["with a reason", "without a reason", "of another rule"],
)
def test_a_waiver_needs_a_reason_and_something_to_waive(rules: Rules, waived: dict[str, str], left: list[str]) -> None:
    assert rules([AddIndex("receipt", INDEX)], waived=waived) == left


def test_every_rule_has_its_refusal() -> None:
    elsewhere = {"not-null-scans-table", "mixes-atomic-and-not", "waiver-without-effect", "changed-after-release"}
    assert {rule for rule, _ in REFUSED.values()} | elsewhere == RULES.keys()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A released migration, and the file that says so."""
    migration = tmp_path / "app_src" / "shop" / "migrations" / "0001_initial.py"
    migration.parent.mkdir(parents=True)
    migration.write_text("released")
    _git(tmp_path, "init", "--quiet")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "release")
    (tmp_path / released.FILE).write_text(_git(tmp_path, "rev-parse", "HEAD"))
    return tmp_path


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_a_released_migration_stays_as_it_is(repository: Path) -> None:
    key = ("shop", "0001_initial")
    assert (released.read(repository).migrations, released.read(repository).changed) == ({key}, set())
    (repository / "app_src/shop/migrations/0001_initial.py").write_text("edited")
    assert released.read(repository).changed == {key}


def test_a_history_without_the_release_is_said_to_be_one(repository: Path) -> None:
    (repository / released.FILE).write_text("0" * 40)
    with pytest.raises(released.UnknownReleaseError, match="fetch --unshallow"):
        released.read(repository)
