"""How much of each budget is spent this month, and who has to be told."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from django.db.models import F, Max, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from analytics.counted import counted
from analytics.models import Budget, BudgetAlert
from analytics.months import last_day, month_of, today

LEVELS = (100, 80)
"""Percent of a budget at which its owner is told, the most urgent first."""

BATCH = 500

log = structlog.get_logger(__name__)


def with_spent(budgets: QuerySet[Budget], month: date) -> QuerySet[Budget]:
    """Each budget with `spent`, the sum of what counts in its category and currency in that month."""
    spent = (
        counted(OuterRef("user_id"), since=month_of(month), until=last_day(month))
        .filter(category=OuterRef("category"), currency=OuterRef("currency"))
        .values("user_id")
        .annotate(sum=Sum("total"))
        .values("sum")
    )
    return budgets.annotate(spent=Coalesce(Subquery(spent), Value(Decimal("0.00"))))


def alert(users: Collection[UUID] | None = None) -> int:
    """Make the alerts that are due this month for these users' budgets, or for everybody's; how many.

    Of several levels reached at once only the highest is told, and none after a higher one. Doing it twice, be it at
    the same moment, makes nothing twice.
    """
    month = month_of(today())
    budgets = Budget.objects.order_by("id")
    if users is not None:
        budgets = budgets.filter(user_id__in=users)
    made, last = 0, None
    while True:
        batch = list(_due(budgets.filter(id__gt=last) if last else budgets, month)[:BATCH])
        if not batch:
            return made
        last = batch[-1].id
        alerts = [found for budget in batch if (found := _alert_of(budget, month))]
        BudgetAlert.objects.bulk_create(alerts, ignore_conflicts=True)
        made += len(alerts)
        for found in alerts:
            log.info("budget_alert", user=str(found.user_id), budget=str(found.budget_id), level=found.level)


def _due(budgets: QuerySet[Budget], month: date) -> QuerySet[Any]:
    """Those of which enough is spent for an alert, with `told`, the highest level that they had this month."""
    told = Coalesce(Max("alerts__level", filter=Q(alerts__month=month)), 0)
    return with_spent(budgets, month).annotate(told=told).filter(spent__gte=F("monthly_amount") * min(LEVELS) / 100)


def _alert_of(budget: Any, month: date) -> BudgetAlert | None:
    level = next(level for level in LEVELS if budget.spent * 100 >= budget.monthly_amount * level)
    if level <= budget.told:
        return None
    return BudgetAlert(
        budget=budget,
        user_id=budget.user_id,
        month=month,
        level=level,
        spent=budget.spent,
        monthly_amount=budget.monthly_amount,
    )
