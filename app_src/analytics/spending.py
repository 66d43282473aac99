"""Sums of what was read, per currency: amounts of different currencies are never added."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Count, Sum
from django.db.models.functions import TruncMonth

from receipts.models import Receipt
from receipts.states import READ


class Grouping(enum.StrEnum):
    MONTH = "month"
    CATEGORY = "category"
    MERCHANT = "merchant"


_COLUMN: dict[Grouping, Any] = {
    Grouping.MONTH: TruncMonth("purchased_on"),
    Grouping.CATEGORY: "category",
    Grouping.MERCHANT: "merchant",
}


def spending(
    *, user_id: UUID, by: Grouping, since: date | None = None, until: date | None = None
) -> Iterable[dict[str, Any]]:
    """Rows of group, currency, total, tax and count, for receipts that were read and have a total.

    A receipt without a date counts in the group whose month is null, so that the rows add up to all receipts.
    """
    read = Receipt.objects.filter(user_id=user_id, state__in=READ, total__isnull=False)
    if since:
        read = read.filter(purchased_on__gte=since)
    if until:
        read = read.filter(purchased_on__lte=until)
    column = _COLUMN[by]
    grouped = read.values(group=column) if by is Grouping.MONTH else read.values(column)
    name = "group" if by is Grouping.MONTH else column
    rows = grouped.values(name, "currency").annotate(total_sum=Sum("total"), tax_sum=Sum("tax"), receipts=Count("id"))
    for row in rows.order_by(name, "currency"):
        yield {
            by.value: row[name],
            "currency": row["currency"],
            "total": row["total_sum"],
            "tax": row["tax_sum"],
            "receipts": row["receipts"],
        }
