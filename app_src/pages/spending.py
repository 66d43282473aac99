"""What the spending page shows, each currency for itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Sum
from django.db.models.functions import TruncMonth

from analytics.budgets import LEVELS, with_spent
from analytics.counted import counted
from analytics.figures import figures
from analytics.models import Budget, BudgetAlert
from analytics.months import after, month_of, today
from analytics.recurring import recurring
from analytics.spending import Grouping, spending
from pages import charts
from spendsmart.database import from_replica

MOST_MERCHANTS = 12
MOST_MONTHS = 120


@dataclass(frozen=True, kw_only=True)
class Currency:
    """All that was spent in one currency, which may be unknown: then `code` is empty."""

    code: str
    total: Decimal
    tax: Decimal | None
    receipts: int
    months: charts.Columns
    undated: Decimal | None
    categories: list[charts.Bar]
    merchants: list[charts.Bar]
    other_merchants: int
    tax_rows: list[dict[str, Any]]
    used: list[str] = field(default_factory=list)

    @property
    def legend(self) -> list[tuple[str, int]]:
        return [(name, charts.colour_of(name)) for name in self.used]


def currencies(*, user_id: UUID, since: date | None, until: date | None) -> list[Currency]:
    """The currency with the most receipts first."""
    period = {name: day for name, day in (("since", since), ("until", until)) if day}

    def ask(name: str, compute: Callable[[], object]) -> dict[str, Any]:
        body, _ = figures(user_id=user_id, name=name, parameters=period, compute=compute)
        found: dict[str, Any] = orjson.loads(body)
        return found

    def by(grouping: Grouping) -> dict[str, Any]:
        return ask(grouping.value, lambda: spending(user_id=user_id, by=grouping, since=since, until=until))

    merchants, taxes = by(Grouping.MERCHANT), by(Grouping.TAX)
    months = ask("month and category", lambda: _by_month_and_category(user_id, since, until))
    made = [
        _currency(
            total,
            months=_of(months["results"], total["currency"]),
            merchants=_of(merchants["results"], total["currency"]),
            taxes=_of(taxes["results"], total["currency"]),
        )
        for total in merchants["totals"]
    ]
    return sorted(made, key=lambda currency: (-currency.receipts, currency.code))


def _by_month_and_category(user_id: UUID, since: date | None, until: date | None) -> dict[str, Any]:
    rows = (
        counted(user_id, since=since, until=until)
        .values("category", "currency", month=TruncMonth("purchased_on"))
        .annotate(spent=Sum("total"))
        .order_by("month", "category")
    )
    return {"results": list(rows)}


def _currency(total: dict[str, Any], *, months: Any, merchants: Any, taxes: Any) -> Currency:
    by_month: dict[date, dict[str, Decimal]] = defaultdict(dict)
    by_category: dict[str, Decimal] = defaultdict(Decimal)
    undated = None
    for row in months:
        name, amount = row["category"] or "other", Decimal(row["spent"])
        by_category[name] += amount
        if row["month"] is None:
            undated = (undated or Decimal(0)) + amount
        else:
            shares = by_month[date.fromisoformat(row["month"])]
            shares[name] = shares.get(name, Decimal(0)) + amount
    ranked = sorted(by_category.items(), key=lambda item: -item[1])
    named = sorted(((row["merchant"] or "Unknown", Decimal(row["total"])) for row in merchants), key=lambda m: -m[1])
    return Currency(
        code=total["currency"],
        total=Decimal(total["total"]),
        tax=Decimal(total["tax"]) if total["tax"] is not None else None,
        receipts=total["receipts"],
        months=charts.columns(_without_gaps(by_month)),
        undated=undated,
        categories=charts.bars([(name.capitalize(), amount, charts.colour_of(name)) for name, amount in ranked]),
        merchants=charts.bars([(name, amount, 1) for name, amount in named[:MOST_MERCHANTS]]),
        other_merchants=max(len(named) - MOST_MERCHANTS, 0),
        tax_rows=_taxes(taxes),
        used=sorted(by_category, key=lambda name: (charts.colour_of(name), name)),
    )


def _without_gaps(months: dict[date, dict[str, Decimal]]) -> dict[date, dict[str, Decimal]]:
    """With the months in which nothing was spent, unless a misread date makes that a century."""
    if not months or (max(months).year - min(months).year) * 12 > MOST_MONTHS:
        return months
    month, last, full = min(months), max(months), {}
    while month <= last:
        full[month] = months.get(month, {})
        month = after(month)
    return full


def _taxes(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """By rate over all months; rows without a tax are left out."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["rate"] is None:
            continue
        entry = found.setdefault(row["rate"], {"rate": Decimal(row["rate"]), "net": Decimal(0), "tax": Decimal(0)})
        entry["net"] += Decimal(row["net"])
        entry["tax"] += Decimal(row["tax"])
    return sorted(found.values(), key=lambda entry: entry["rate"])


def _of(rows: Iterable[dict[str, Any]], currency: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["currency"] == currency]


def budgets(user_id: UUID) -> list[Any]:
    """This month's, each with `spent`, `left` (negative when overspent), `percent` and `level`: ok, near or over."""

    def read() -> list[Any]:
        mine = Budget.objects.filter(user_id=user_id).order_by("category", "currency")
        return list(with_spent(mine, month_of(today())))

    found, _ = from_replica(user_id, read)
    for budget in found:
        budget.left = budget.monthly_amount - budget.spent
        budget.over = -budget.left
        budget.percent = int(budget.spent * 100 / budget.monthly_amount)  # 100 only when it is used up
        budget.level = "over" if budget.percent >= max(LEVELS) else "near" if budget.percent >= min(LEVELS) else "ok"
    return found


def alerts(user_id: UUID) -> list[BudgetAlert]:
    """This month's that nobody dismissed, of each budget the latest."""
    found = BudgetAlert.objects.filter(user_id=user_id, month=month_of(today()), dismissed_at=None)
    latest = {alert.budget_id: alert for alert in found.select_related("budget").order_by("level")}
    return list(latest.values())


def habits(user_id: UUID) -> list[dict[str, Any]]:
    """Recurring expenses that go on."""
    now = today()
    body, _ = figures(
        user_id=user_id,
        name="recurring",
        parameters={"today": now},
        compute=lambda: recurring(user_id=user_id, today=now),
    )
    rows = [row for row in orjson.loads(body)["results"] if row["active"]]
    for row in rows:
        row["amount"] = Decimal(row["amount"])
        row["next_expected_on"] = date.fromisoformat(row["next_expected_on"])
    return rows
