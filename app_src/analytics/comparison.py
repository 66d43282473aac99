"""One month beside the one before it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from analytics.counted import counted
from analytics.months import after, last_day, month_of
from receipts.models import Receipt
from spendsmart.statements import Statement

_NOTHING = Value(Decimal("0.00"))


def comparison(*, user_id: UUID, month: date) -> dict[str, Any]:
    """What was spent in `month` and in the month before, by category and currency, and the sums of each currency.

    A month that is not over is compared with the whole of the one before.
    """
    this = month_of(month)
    before = after(this, -1)
    rows = _STATEMENT.rows(user_id=user_id, since=before, this=this, until=last_day(this))
    results = [_row(now, past, currency=currency, category=category) for category, currency, now, past in rows]
    return {"month": this, "previous_month": before, "results": results, "totals": _totals(results)}


def _rows(user_id: UUID, *, since: date, this: date, until: date) -> QuerySet[Receipt, Any]:
    return (
        counted(user_id, since=since, until=until)
        .values("category", "currency")
        .annotate(
            total_now=Coalesce(Sum("total", filter=Q(purchased_on__gte=this)), _NOTHING),
            total_before=Coalesce(Sum("total", filter=Q(purchased_on__lt=this)), _NOTHING),
        )
        .order_by("currency", F("total_now").desc(), "category")
        .values_list("category", "currency", "total_now", "total_before")
    )


_STATEMENT = Statement(_rows, user_id=UUID, since=date, this=date, until=date)


def _totals(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for row in rows:
        now, before = sums.get(row["currency"], (Decimal("0.00"), Decimal("0.00")))
        sums[row["currency"]] = (now + row["total"], before + row["previous"])
    return [_row(now, before, currency=currency) for currency, (now, before) in sorted(sums.items())]


def _row(now: Decimal, before: Decimal, **names: str) -> dict[str, Any]:
    percent = ((now - before) * 100 / before).quantize(Decimal("0.1")) if before > 0 else None
    return {
        "currency": names["currency"],
        "total": now,
        "previous": before,
        "change": now - before,
        "change_percent": percent,
        **({"category": names["category"]} if "category" in names else {}),
    }
