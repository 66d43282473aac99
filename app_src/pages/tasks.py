"""What Celery runs for the pages."""

from __future__ import annotations

from celery import shared_task
from django.contrib.sessions.models import Session
from django.utils import timezone


@shared_task(name="pages.tasks.clear_sessions")
def clear_sessions() -> int:
    """Delete the sessions that have expired, as nobody else does; how many."""
    deleted, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    return deleted
