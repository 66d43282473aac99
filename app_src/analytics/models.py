"""Budgets, and the alerts that say how much of them is spent."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from spendsmart.writes import OwnedManager


class Budget(models.Model):
    """What somebody means to spend in one category in a calendar month (UTC), in `currency` (ISO 4217)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="budgets")
    category = models.CharField(max_length=50)
    currency = models.CharField(max_length=3)
    monthly_amount = models.DecimalField(max_digits=12, decimal_places=2)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = OwnedManager()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=["user", "category", "currency"], name="budget_once"),
            models.CheckConstraint(condition=Q(monthly_amount__gt=0), name="budget_positive"),
        ]
        indexes = [models.Index(fields=["user", "-created_at", "-id"], name="budget_list")]

    def __str__(self) -> str:
        return f"{self.monthly_amount} {self.currency} for {self.category}"


class BudgetAlert(models.Model):
    """`spent` had reached `level` percent of a budget, then of `monthly_amount`, in a month (its first day)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, db_index=False, related_name="alerts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="+")
    month = models.DateField()
    level = models.PositiveSmallIntegerField()
    spent = models.DecimalField(max_digits=16, decimal_places=2)
    monthly_amount = models.DecimalField(max_digits=12, decimal_places=2)
    created_at = models.DateTimeField(auto_now_add=True)
    dismissed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [models.UniqueConstraint(fields=["budget", "month", "level"], name="budget_alert_once")]
        indexes = [models.Index(fields=["user", "-created_at", "-id"], name="budget_alert_list")]

    def __str__(self) -> str:
        return f"{self.level} % of {self.budget_id} in {self.month:%Y-%m}"
