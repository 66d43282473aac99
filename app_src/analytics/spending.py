"""Sums of what was read, per currency: amounts of different currencies are never added."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Sum
from django.db.models.functions import TruncMonth

from receipts.models import Receipt
from receipts.states import READ


class Grouping(enum.StrEnum):
    MONTH = "month"
    CATEGORY = "category"
    MERCHANT = "merchant"


_COLUMN: dict[Grouping, Any] = {
    Grouping.MONTH: TruncMonth("purchased_on"),
    Grouping.CATEGORY: F("category"),
    Grouping.MERCHANT: F("merchant"),
}


@dataclass(frozen=True, kw_only=True)
class Spending:
    """`results`: one row for each group and currency. `totals`: one for each currency, the sum of its groups."""

    results: list[dict[str, Any]]
    totals: list[dict[str, Any]]


def spending(*, user_id: UUID, by: Grouping, since: date | None = None, until: date | None = None) -> Spending:
    """Group, currency, total, tax and number of receipts that were read and have a total; both days included.

    Without a period, a receipt without a date counts in the group whose month is null, so that the rows add up to all
    receipts; within one, it counts nowhere.
    """
    read = Receipt.objects.filter(user_id=user_id, state__in=READ, total__isnull=False)
    if since:
        read = read.filter(purchased_on__gte=since)
    if until:
        read = read.filter(purchased_on__lte=until)
    rows = (
        read.order_by()
        .values(group=_COLUMN[by], code=F("currency"))
        .annotate(spent=Sum("total"), taxed=Sum("tax"), receipts=Count("id"))
        .order_by("group", "code")
    )
    results = [
        {
            by.value: row["group"],
            "currency": row["code"],
            "total": row["spent"],
            "tax": row["taxed"],
            "receipts": row["receipts"],
        }
        for row in rows
    ]
    return Spending(results=results, totals=_totals(results))


def _totals(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    sums: dict[str, dict[str, Any]] = {}
    for row in rows:
        entry = sums.setdefault(
            row["currency"], {"currency": row["currency"], "total": Decimal(0), "tax": None, "receipts": 0}
        )
        entry["total"] += row["total"]
        entry["receipts"] += row["receipts"]
        if row["tax"] is not None:
            entry["tax"] = (entry["tax"] or 0) + row["tax"]
    return [sums[currency] for currency in sorted(sums)]
