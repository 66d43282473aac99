"""What a database holds of receipts, corrections and OpenAI's calls; read as a superuser, past the application."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

CORRECTABLE = ("merchant", "category", "total", "address", "payment")
"""Columns that a correction may set and that are compared, as text."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A receipt. `sha256` is of the image that was read, empty before; `fields` are its correctable columns as text;
    `corrected` says whether a person has corrected it."""

    id: str
    user: str
    state: str
    sha256: str
    corrected: bool
    reason: str = ""
    fields: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call to OpenAI as the application wrote it down. `superseded`: a person asked for another reading."""

    id: str
    receipt: str
    sha256: str
    purpose: str
    state: str
    superseded: bool


def receipts(link: Any, ids: Collection[str] | None = None) -> dict[str, Row]:
    """Receipts by id, all of them or those named. Raises psycopg2.Error."""
    columns = ", ".join(f"coalesce(r.{name}::text, '')" for name in CORRECTABLE)
    statement = f"""
        SELECT r.id::text, u.email, r.state, r.content_sha256, r.corrected_at IS NOT NULL, r.reason, {columns}
        FROM receipts_receipt r JOIN accounts_user u ON u.id = r.user_id
    """  # noqa: S608 - names of our own
    if ids is not None:
        statement += " WHERE r.id = ANY(%s::uuid[])"
    with link.cursor() as cursor:
        cursor.execute(statement, None if ids is None else [list(ids)])
        return {
            row[0]: Row(
                id=row[0],
                user=row[1],
                state=row[2],
                sha256=row[3],
                corrected=row[4],
                reason=row[5],
                fields=dict(zip(CORRECTABLE, row[6:], strict=True)),
            )
            for row in cursor.fetchall()
        }


def calls(link: Any) -> list[Call]:
    """Every call. Raises psycopg2.Error."""
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT id::text, coalesce(receipt_id::text, ''), content_sha256, purpose, state, superseded"
            " FROM openai_gateway_call"
        )
        return [
            Call(id=row[0], receipt=row[1], sha256=row[2], purpose=row[3], state=row[4], superseded=row[5])
            for row in cursor.fetchall()
        ]
