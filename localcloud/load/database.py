"""What a receipt takes in the database: its row, its lines, what is searched for, and all indexes of these."""

from __future__ import annotations

from typing import Any

from localcloud.console import LocalCloudError
from localcloud.drill.platform import Platform

TABLES = ("receipts_receipt", "receipts_lineitem", "receipts_searchdocument", "receipts_reading")
"""The first has the receipts; the others point to them by `receipt_id`, or by what was read (`content_sha256`)."""

_FRESH = {
    "created_at": "o.created_at - n * interval '1 minute'",
    "content_sha256": "encode(sha256(n::text::bytea), 'hex')",
    "printed_merchant": "left(o.printed_merchant || (n % 500), 120)",
}
"""Columns by which indexes are as large as with other people's receipts, and not with one receipt again and again."""


def bytes_of_a_receipt(platform: Platform, *, copies: int) -> dict[str, float]:
    """By table, with its indexes: copies of a receipt that was read, in tables like the real ones that are dropped.

    Raises LocalCloudError where no receipt was read yet.
    """
    link = platform.database(dbname=platform.database_name)
    try:
        with link.cursor() as cursor:
            cursor.execute("DROP SCHEMA IF EXISTS load_sizes CASCADE; CREATE SCHEMA load_sizes")
            try:
                return {table: _size(cursor, table, copies) / copies for table in TABLES}
            finally:
                cursor.execute("DROP SCHEMA load_sizes CASCADE")
    finally:
        link.close()


def _size(cursor: Any, table: str, copies: int) -> float:
    cursor.execute(f"CREATE TABLE load_sizes.{table} (LIKE public.{table} INCLUDING ALL)")
    columns = _columns(cursor, table)
    values = [_value(table, column) for column in columns]
    cursor.execute(
        # Names of tables and columns are the schema's own.
        f"INSERT INTO load_sizes.{table} ({', '.join(columns)}) SELECT {', '.join(values)} "  # noqa: S608
        f"FROM ({_originals(table)}) o CROSS JOIN generate_series(1, {copies}) n"
    )
    if table == TABLES[0] and not cursor.rowcount:
        raise LocalCloudError("no receipt was read yet", remedy="run: make up, which sends one")
    cursor.execute(f"SELECT pg_total_relation_size('load_sizes.{table}')")
    return float(cursor.fetchone()[0])


def _originals(table: str) -> str:
    """The rows of one receipt."""
    read = "SELECT * FROM public.receipts_receipt WHERE state = 'extracted' ORDER BY created_at LIMIT 1"
    if table == TABLES[0]:
        return read
    if table == TABLES[3]:
        return f"SELECT t.* FROM public.{table} t JOIN ({read}) r USING (content_sha256)"  # noqa: S608
    return f"SELECT t.* FROM public.{table} t JOIN ({read}) r ON t.receipt_id = r.id"  # noqa: S608


def _columns(cursor: Any, table: str) -> list[str]:
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s "
        "AND is_generated = 'NEVER' AND is_identity = 'NO' ORDER BY ordinal_position",
        [table],
    )
    return [f'"{row[0]}"' for row in cursor.fetchall()]


def _value(table: str, column: str) -> str:
    name = column.strip('"')
    if name == "receipt_id" or (name == "id" and table == TABLES[0]):
        return "md5('receipt' || n)::uuid"
    return _FRESH.get(name, f"o.{column}")
