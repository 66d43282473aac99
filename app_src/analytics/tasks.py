"""What Celery runs for the analytics."""

from __future__ import annotations

from celery import shared_task

from analytics import budgets


@shared_task(name="analytics.tasks.sweep_budgets")
def sweep_budgets() -> int:
    """Make every alert that is due and was not made with the write that caused it; how many."""
    return budgets.alert()
