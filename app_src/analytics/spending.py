"""Sums of what was read, per currency: amounts of different currencies are never added."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import Count, DateField, F, QuerySet, Sum
from django.db.models.functions import Cast, TruncMonth

from analytics.counted import counted
from analytics.taxes import taxes
from receipts.models import Receipt
from spendsmart.statements import Statement


class Grouping(enum.StrEnum):
    MONTH = "month"
    DAY = "day"
    CATEGORY = "category"
    MERCHANT = "merchant"
    TAX = "tax"


_MONTH = Cast(TruncMonth("purchased_on"), DateField())
_COLUMNS: dict[Grouping, dict[str, Any]] = {
    Grouping.MONTH: {"month": _MONTH},
    Grouping.DAY: {"day": F("purchased_on")},
    Grouping.CATEGORY: {"category": F("category")},
    Grouping.MERCHANT: {"merchant": F("merchant")},
}


def spending(
    *, user_id: UUID, by: Grouping, since: date | None = None, until: date | None = None
) -> dict[str, list[dict[str, Any]]]:
    """`results`: one row for each group and currency. `totals`: one for each currency, the sum of its groups.

    By tax, a group is a month and a rate (`analytics.taxes`).
    """
    period = {name: day for name, day in (("since", since), ("until", until)) if day}
    if by is Grouping.TAX:
        return taxes(user_id=user_id, **period)
    names = ("currency", "total", "tax", "receipts", *_COLUMNS[by])
    rows = _statement(by, tuple(period)).rows(user_id=user_id, **period)
    results = [dict(zip(names, row, strict=True)) for row in rows]
    return {"results": results, "totals": totals(results)}


@cache
def _statement(by: Grouping, period: tuple[str, ...]) -> Statement:
    """Rows in the order in which the serializers document them, their columns named apart from what they sum."""
    groups = {f"group_{name}": column for name, column in _COLUMNS[by].items()}
    sums = {"spent": Sum("total"), "taxed": Sum("tax"), "receipts": Count("id")}

    def rows(**parameters: Any) -> QuerySet[Receipt, Any]:
        grouped = counted(**parameters).values(code=F("currency"), **groups).annotate(**sums)
        return grouped.order_by(*groups, "code").values_list("code", "spent", "taxed", "receipts", *groups)

    return Statement(rows, user_id=UUID, **dict.fromkeys(period, date))


def totals(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows' sums, by currency."""
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
