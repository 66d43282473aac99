"""The migrations as a deployment runs them: by the database's owner, who is no superuser, over rows from before."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

APP = Path(__file__).resolve().parents[3] / "app_src"
OWNER, PASSWORD, DATABASE = "owner", "owner's password", "owned"


@contextmanager
def cursor_of(user: str, password: str, database: str) -> Iterator[Any]:
    connection = psycopg2.connect(
        host="127.0.0.1", port=os.environ["DATABASE_PORT"], user=user, password=password, dbname=database,
        sslmode="require",
    )  # fmt: skip
    connection.autocommit = True
    with connection.cursor() as cursor:
        yield cursor
    connection.close()


@pytest.fixture
def migrating(running_servers: object) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`manage.py migrate`, started, in a database of its own."""
    superuser = (os.environ["DATABASE_USERNAME"], os.environ["DATABASE_PASSWORD"], "postgres")
    with cursor_of(*superuser) as cursor:
        cursor.execute(f"CREATE ROLE {OWNER} LOGIN PASSWORD %s", (PASSWORD,))
        cursor.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
    environment = {
        **os.environ, "DATABASE_USERNAME": OWNER, "DATABASE_PASSWORD": PASSWORD, "DATABASE_NAME": DATABASE,
    }  # fmt: skip

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-u", "manage.py", "migrate", "--noinput", *arguments], cwd=APP, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    yield start
    with cursor_of(*superuser) as cursor:
        cursor.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
        cursor.execute(f"DROP ROLE {OWNER}")


@pytest.fixture
def migrate(migrating: Callable[..., subprocess.Popen[str]]) -> Callable[..., str]:
    """The same, to its end; what it said."""

    def run(*arguments: str) -> str:
        process = migrating(*arguments)
        said, wrong = process.communicate()
        assert process.returncode == 0, wrong
        return said + wrong

    return run


@contextmanager
def reading_receipts() -> Iterator[Any]:
    """A session in the middle of a transaction that has read receipts; it may be ended before the block is."""
    with cursor_of(OWNER, PASSWORD, DATABASE) as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT count(*) FROM receipts_receipt")
        yield cursor


def columns() -> set[str]:
    with cursor_of(OWNER, PASSWORD, DATABASE) as cursor:
        cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'receipts_receipt'")
        return {name for (name,) in cursor.fetchall()}


def is_valid(index: str) -> bool | None:
    with cursor_of(OWNER, PASSWORD, DATABASE) as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", (index,))
        found = cursor.fetchone()
        return found and found[0]


@pytest.mark.timeout(300)
def test_receipts_from_before_become_searchable_and_the_way_back_is_open(migrate) -> None:
    migrate("receipts", "0004")
    with cursor_of(OWNER, PASSWORD, DATABASE) as cursor:
        cursor.execute(
            "INSERT INTO accounts_user (id, email, password, is_active, is_staff, is_superuser, created_at)"
            " VALUES (%s, 'a@b.de', '', true, false, false, now())",
            (str(uuid.uuid4()),),
        )
        insert = (
            "INSERT INTO receipts_receipt (id, user_id, state, state_changed_at, reason, attempts, content_type, size,"
            " content_sha256, merchant, address, currency, total, payment, category, engine, confidence,"
            " review_reasons, text, created_at, updated_at)"
            " SELECT gen_random_uuid(), id, 'extracted', now(), '', 1, 'image/png', 1, '', %s, '', 'EUR', 1, '', '',"
            " 'local', '{}', '[]', 'Roggenbrot', now(), now() FROM accounts_user"
        )
        cursor.execute(insert, ("Bäckerei",))
        migrate()
        cursor.execute(insert, ("By the release before",))  # which goes on writing without the new columns
        cursor.execute(
            "SELECT r.merchant, r.printed_merchant FROM receipts_receipt r JOIN receipts_searchdocument d"
            " ON d.receipt_id = r.id WHERE words @@ to_tsquery('receipts', 'roggen:*') ORDER BY r.merchant"
        )
        assert cursor.fetchall() == [("By the release before", ""), ("Bäckerei", "Bäckerei")]
        migrate("receipts", "0004")
        cursor.execute("SELECT count(*) FROM receipts_receipt")
        assert cursor.fetchone() == (2,)


@pytest.mark.timeout(300)
def test_a_lock_that_is_not_to_be_had_is_given_up_and_nobody_waits_behind_it(migrate, migrating) -> None:
    migrate("receipts", "0008")
    with reading_receipts():
        process = migrating("receipts", "0009", "--lock-timeout=1", "--attempts=2", "--pause=1")
        while process.poll() is None:  # who reads meanwhile, reads: a second of patience would not do behind a queue
            with cursor_of(OWNER, PASSWORD, DATABASE) as cursor:
                cursor.execute("SET statement_timeout = '30s'")
                cursor.execute("SELECT count(*) FROM receipts_receipt")
        wrong = process.communicate()[1]
    assert process.returncode == 1
    assert wrong.count("lock timeout") == 2
    assert "The locks were not to be had" in wrong
    assert "tax_lines" not in columns()


@pytest.mark.timeout(300)
def test_once_the_lock_is_free_the_next_attempt_has_it(migrate, migrating) -> None:
    migrate("receipts", "0008")
    with reading_receipts() as reader:
        process = migrating("receipts", "0009", "--lock-timeout=0.5", "--attempts=50", "--pause=0.01")
        assert "lock timeout" in process.stderr.readline()
        reader.execute("COMMIT")
        wrong = process.communicate()[1]
    assert process.returncode == 0, wrong
    assert "tax_lines" in columns()


@pytest.mark.timeout(300)
def test_an_index_left_behind_by_an_interrupted_migration_is_built_anew(migrate, migrating) -> None:
    migrate("receipts", "0009")
    with reading_receipts():
        # The index waits for the reader for longer than any lock is waited for: nobody waits behind it.
        process = migrating("receipts", "0010", "--lock-timeout=0.1", "--long-statement-timeout=2", "--attempts=1")
        assert "statement timeout" in process.communicate()[1]
    assert process.returncode == 1
    assert is_valid("receipt_by_fingerprint") is False
    assert "Dropped index receipt_by_fingerprint" in migrate("receipts", "0010")
    assert is_valid("receipt_by_fingerprint") is True


@pytest.mark.timeout(300)
def test_an_invalid_index_of_another_origin_is_reported(migrate, migrating) -> None:
    migrate("receipts", "0009")
    with reading_receipts(), cursor_of(OWNER, PASSWORD, DATABASE) as cursor:
        cursor.execute("SET statement_timeout = '1s'")
        with pytest.raises(psycopg2.errors.QueryCanceled):
            cursor.execute("CREATE INDEX CONCURRENTLY by_hand ON receipts_receipt (size)")
    assert "Index by_hand is invalid" in migrate("receipts", "0009")


@pytest.mark.timeout(300)
def test_two_migrations_do_not_run_at_once(migrate, migrating) -> None:
    migrate("receipts", "0008")
    with reading_receipts() as reader:
        first = migrating("receipts", "0009", "--lock-timeout=60")
        with cursor_of(OWNER, PASSWORD, DATABASE) as cursor:
            while True:
                cursor.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'")
                if cursor.fetchone():
                    break
        second = migrating("receipts", "0009", "--attempts=1")
        assert "another migration of this database is running" in second.communicate()[1]
        reader.execute("COMMIT")
        assert first.communicate()[1] == ""
    assert (first.returncode, second.returncode) == (0, 1)
