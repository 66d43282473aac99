"""Two hundred thousand receipts in a few seconds: copies of one row, made by the database itself."""

from __future__ import annotations

from typing import Any

from django.db import connection, models

from accounts.models import User
from receipts.models import LineItem, Receipt, SearchDocument
from receipts.states import State

RECEIPTS, USERS, HEAVY = 200_000, 2_000, 5_000
"""Receipts altogether, users, and how many of the receipts are the first user's."""


def load(receipts: int = RECEIPTS, users: int = USERS, heavy: int = HEAVY) -> tuple[User, User]:
    """Fill the tables, let the planner know; the user who has `heavy` of the receipts, and one who has some hundred."""
    owner = User.objects.create_superuser("heavy@example.com", None)
    template = Receipt.objects.create(
        user=owner, state=State.EXTRACTED, total=1, currency="EUR", content_type="image/png", size=1000
    )
    LineItem.objects.create(receipt=template, position=0, description="Milk", price=1)
    with connection.cursor() as cursor:
        # Foreign keys hold by construction, and what triggers would write is written below.
        cursor.execute("SET session_replication_role = replica")
        indexes = _without_indexes(cursor, Receipt, LineItem, SearchDocument)
        _copy(cursor, User, owner, users - 1, id=_uuid("n"), email="'user' || n || '@example.com'",
              is_staff="false", is_superuser="false")  # fmt: skip
        _copy(
            cursor, Receipt, template, receipts - 1,
            id=_uuid("n"),
            user_id=f"CASE WHEN n <= {heavy} THEN t.user_id ELSE {_uuid(f'1 + n % {users - 1}')} END",
            state="(ARRAY['extracted', 'extracted', 'extracted', 'extracted', 'needs_review', 'failed', 'queued'])"
                  "[1 + (CASE WHEN n % 50 = 0 THEN n / 50 % 7 ELSE n % 4 END)]",
            created_at="t.created_at - n * interval '5 minutes'",
            purchased_on="current_date - (n % 1500)",
            merchant="'Shop ' || n % 700",
            category="(ARRAY['groceries', 'fuel', 'books', 'travel', 'health', ''])[1 + n % 6]",
            currency="(ARRAY['EUR', 'EUR', 'USD'])[1 + n % 3]",
            total="(n % 20000) / 100.0", tax="(n % 20000) / 600.0",
            content_sha256="lpad(to_hex(n), 64, '0')",
            text="'Shop ' || n % 700 || ' Milk ' || n",
        )  # fmt: skip
        cursor.execute(
            "INSERT INTO receipts_lineitem (receipt_id, position, description, quantity, price)"
            " SELECT r.id, p, 'Item ' || p, 1, 1 FROM receipts_receipt r, generate_series(1, 2) p"
        )
        cursor.execute(
            "INSERT INTO receipts_searchdocument (receipt_id, user_id, words, names)"
            " SELECT id, user_id, to_tsvector('receipts', merchant || ' ' || text), lower(merchant) || ' item 1 item 2'"
            " FROM receipts_receipt ON CONFLICT DO NOTHING"
        )
        for definition in indexes:
            cursor.execute(definition)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("ANALYZE")
    return owner, User.objects.get(email="user1@example.com")


def _without_indexes(cursor: Any, *tables: type[models.Model]) -> list[str]:
    """Drop the indexes that are no constraints; what makes them again, in a fraction of the time."""
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY (%s)"
        " AND indexname NOT IN (SELECT conname FROM pg_constraint)",
        [[table._meta.db_table for table in tables]],
    )
    found = cursor.fetchall()
    for name, _ in found:
        cursor.execute(f'DROP INDEX "{name}"')
    return [definition for _, definition in found]


def _uuid(number: str) -> str:
    """In order, so that indexes grow at their end."""
    return f"('00000000-0000-4000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"


def _copy(cursor: Any, model: type[models.Model], row: models.Model, times: int, **changed: str) -> None:
    """`times` copies of a row; each of `changed` is SQL, in which `n` counts from 1 and `t` is the row itself."""
    table = model._meta.db_table
    columns = [field.column for field in model._meta.local_concrete_fields if not getattr(field, "generated", False)]
    assert changed.keys() <= set(columns)
    # A percent sign is the cursor's own.
    values = ", ".join(changed.get(column, f't."{column}"').replace("%", "%%") for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    cursor.execute(
        f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} t, generate_series(1, {times}) n WHERE t.id = %s",  # noqa: S608
        [row.pk],
    )
