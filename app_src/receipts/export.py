"""Receipts as CSV (RFC 4180, UTF-8), a page of rows at a time: constant memory, however many there are.

A page is one query, which begins where the page before ended: in transaction pooling no cursor outlives its
transaction. Receipts that come in meanwhile are newer than all pages and not in the file.

The columns are part of the interface. New ones are added at the end; none is renamed, moved or left out.
"""

from __future__ import annotations

import csv
import enum
import io
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from receipts.models import LineItem, Receipt
from spendsmart.database import from_replica

PAGE = 500


class Layout(enum.StrEnum):
    """What one row is."""

    RECEIPTS = "receipts"
    ITEMS = "items"


RECEIPT_COLUMNS = (
    *("id", "created_at", "state", "purchased_on", "merchant", "printed_merchant", "address", "category", "payment"),
    *("currency", "subtotal", "tax", "tip", "total", "engine", "corrected_at", "duplicate", "duplicate_of_id"),
    *("bulk_upload_id", "file_name"),
)
ITEM_COLUMNS = ("position", "description", "quantity", "unit_price", "price")
ITEM_RECEIPT_COLUMNS = ("id", "purchased_on", "merchant", "category", "currency", "total")
HEADERS = {
    Layout.RECEIPTS: RECEIPT_COLUMNS,
    Layout.ITEMS: tuple(f"receipt_{name}" for name in ITEM_RECEIPT_COLUMNS) + ITEM_COLUMNS,
}

# Spreadsheets take a cell that begins like this for a formula, with full-width signs in some languages, too:
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


def pages(receipts: QuerySet[Receipt], *, user_id: UUID, layout: Layout, bom: bool = False) -> Iterator[bytes]:
    """The file in pieces, newest receipt first: the header, then one piece a page. Read from the replica."""
    yield ("\ufeff" if bom else "").encode() + _csv([HEADERS[layout]])
    columns = RECEIPT_COLUMNS if layout is Layout.RECEIPTS else ITEM_RECEIPT_COLUMNS
    ordered = receipts.order_by("-created_at", "-id").prefetch_related(None).defer(None)
    page = ordered.values_list("created_at", "id", *columns)
    while True:
        rows, lines = from_replica(user_id, lambda page=page: _read(page, layout))[0]  # type: ignore[misc]
        if rows:
            yield _csv(_rows(rows, lines, layout))
        if len(rows) < PAGE:
            return
        created_at, last = rows[-1][:2]
        # The first comparison bounds the scan of the index, the second sorts out those of the same moment.
        page = ordered.filter(Q(created_at__lt=created_at) | Q(id__lt=last), created_at__lte=created_at).values_list(
            "created_at", "id", *columns
        )


def _read(page: QuerySet[Any], layout: Layout) -> tuple[list[tuple[Any, ...]], dict[UUID, list[tuple[Any, ...]]]]:
    rows = list(page[:PAGE])
    lines: dict[UUID, list[tuple[Any, ...]]] = {}
    if layout is Layout.ITEMS:
        of_page = LineItem.objects.filter(receipt_id__in=[row[1] for row in rows]).order_by("receipt_id", "position")
        for receipt_id, *line in of_page.values_list("receipt_id", *ITEM_COLUMNS):
            lines.setdefault(receipt_id, []).append(tuple(line))
    return rows, lines


def _rows(
    rows: Iterable[tuple[Any, ...]], lines: dict[UUID, list[tuple[Any, ...]]], layout: Layout
) -> Iterator[tuple[Any, ...]]:
    for _, receipt_id, *columns in rows:
        if layout is Layout.RECEIPTS:
            yield tuple(columns)
        else:
            yield from ((*columns, *line) for line in lines.get(receipt_id, ()))


def _csv(rows: Iterable[Iterable[Any]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    """Texts that a spreadsheet would run get an apostrophe; numbers and times stay what they are."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return value.isoformat() if hasattr(value, "isoformat") else value
