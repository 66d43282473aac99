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
def migrate(running_servers: object) -> Iterator[Callable[..., None]]:
    """`manage.py migrate` in a database of its own."""
    superuser = (os.environ["DATABASE_USERNAME"], os.environ["DATABASE_PASSWORD"], "postgres")
    with cursor_of(*superuser) as cursor:
        cursor.execute(f"CREATE ROLE {OWNER} LOGIN PASSWORD %s", (PASSWORD,))
        cursor.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
    environment = {
        **os.environ, "DATABASE_USERNAME": OWNER, "DATABASE_PASSWORD": PASSWORD, "DATABASE_NAME": DATABASE,
    }  # fmt: skip

    def run(*arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", "--noinput", *arguments], cwd=APP, env=environment, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    yield run
    with cursor_of(*superuser) as cursor:
        cursor.execute(f"DROP DATABASE {DATABASE}")
        cursor.execute(f"DROP ROLE {OWNER}")


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
