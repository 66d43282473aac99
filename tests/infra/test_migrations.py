"""When a preview takes the template's tables as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.migrations import migrations_digest


@pytest.fixture
def source(tmp_path: Path) -> Path:
    migration = "receipts/migrations/0001_initial.py"
    for name in ("requirements.txt", "spendsmart/settings.py", migration, "receipts/api.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    "changed",
    [
        "receipts/migrations/0001_initial.py",
        "receipts/migrations/0002_total.py",
        "pages/migrations/0001_initial.py",
        "requirements.txt",
        "spendsmart/settings.py",
    ],
)
def test_whatever_may_migrate_is_in_it(source: Path, changed: str) -> None:
    before = migrations_digest(source)
    (source / changed).parent.mkdir(parents=True, exist_ok=True)
    (source / changed).write_text("changed")
    assert migrations_digest(source) != before


def test_a_renamed_migration_is_another_one(source: Path) -> None:
    before = migrations_digest(source)
    folder = source / "receipts" / "migrations"
    (folder / "0001_initial.py").rename(folder / "0001_first.py")
    assert migrations_digest(source) != before


def test_other_code_is_not_in_it(source: Path) -> None:
    before = migrations_digest(source)
    (source / "receipts" / "api.py").write_text("changed")
    assert migrations_digest(source) == before
