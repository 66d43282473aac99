"""One month beside the one before it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, Q, Sum, Value
from django.db.models.functions import Coalesce

from analytics.months import after, last_day, month_of
from analytics.spending import counted

_NOTHING = Value(Decimal("0.00"))


def comparison(*, user_id: UUID, month: date) -> dict[str, Any]:
    """What was spent in `month` and in the month before, by category and currency, and the sums of each currency.

    A month that is not over is compared with the whole of the one before.
    """
    this = month_of(month)
    before = after(this, -1)
    rows = (
        counted(user_id, since=before, until=last_day(this))
        .values("category", "currency")
        .annotate(
            total_now=Coalesce(Sum("total", filter=Q(purchased_on__gte=this)), _NOTHING),
            total_before=Coalesce(Sum("total", filter=Q(purchased_on__lt=this)), _NOTHING),
        )
        .order_by("currency", F("total_now").desc(), "category")
    )
    results = [
        _row(row["total_now"], row["total_before"], currency=row["currency"], category=row["category"]) for row in rows
    ]
    return {"month": this, "previous_month": before, "results": results, "totals": _totals(results)}


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
