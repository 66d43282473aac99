"""How much work waits: what the number of worker tasks follows."""

from __future__ import annotations

from celery import current_app
from django.db.models import Q
from django.utils import timezone

from receipts.models import Receipt
from receipts.states import State
from spendsmart import metrics

PATIENCE = 1.0
"""Seconds in which every worker answers a ping, busy or not."""


def publish() -> None:
    """Publish QueueLength, receipts that wait or are being read, and BacklogPerTask, their number per worker task.

    Beat calls it, not a worker: behind a long queue a task would measure the queue only once that is short again.
    Raises what the database or the broker raise.
    """
    due = Q(state=State.QUEUED) & (Q(retry_at=None) | Q(retry_at__lte=timezone.now()))
    waiting = Receipt.objects.filter(due | Q(state__in=[State.UPLOADED, State.EXTRACTING])).count()
    workers = len(current_app.control.ping(timeout=PATIENCE))
    metrics.publish(QueueLength=waiting, BacklogPerTask=waiting / max(1, workers))
