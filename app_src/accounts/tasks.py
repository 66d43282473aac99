"""What Celery runs for the accounts."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts.models import TokenFamily

AT_ONCE = 10_000
"""Rows in one statement, which others may be waiting for."""


@shared_task(name="accounts.tasks.clear_sessions")
def clear_sessions() -> int:
    """Delete the sessions whose last refresh token has expired: nothing is good in them any more. How many."""
    expired = TokenFamily.objects.filter(expires_at__lt=timezone.now()).order_by("expires_at").values("id")
    deleted, _ = TokenFamily.objects.filter(id__in=expired[:AT_ONCE]).delete()
    return deleted
