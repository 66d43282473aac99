"""How much work waits: what the number of worker tasks follows, and how long the oldest of each queue has waited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from celery import current_app
from django.conf import settings
from django.db.models import Case, Count, F, Min, Q, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from receipts.models import Receipt
from receipts.states import State
from spendsmart import broker, metrics
from spendsmart.metrics import Metric

PATIENCE = 1.0
"""Seconds in which every worker answers a ping, busy or not."""

# The database does not know which queue a message lies in, but why it was sent, which decides that.
_QUEUE = Case(
    When(bulk_upload__isnull=False, then=Value("bulk")),
    When(Q(attempts__gt=0) | Q(retry_at__isnull=False), then=Value("default")),
    default=Value("interactive"),
)
_BEING_READ = Q(state=State.EXTRACTING)


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """Receipts that wait or are being read, and the seconds that the oldest of those that wait has waited."""

    receipts: int = 0
    oldest_seconds: float = 0.0


def publish() -> None:
    """Publish, with the dimension Queue, QueueLength and OldestSeconds as the database knows them and Messages as the
    broker does; without, QueueLength over all queues and BacklogPerTask, the same per worker task.

    Beat calls it, not a worker: behind a long queue a task would measure the queue only once that is short again.
    Raises what the database or the broker raise; what the database knows is published by the time that the broker is
    asked.
    """
    backlogs = by_queue(timezone.now())
    for queue, backlog in backlogs.items():
        metrics.publish(
            Metric("QueueLength", backlog.receipts),
            Metric("OldestSeconds", backlog.oldest_seconds, unit="Seconds"),
            dimensions={"Queue": queue},
        )
    for queue, messages in broker.messages_by_queue().items():
        metrics.publish(Messages=messages, dimensions={"Queue": queue})
    waiting = sum(backlog.receipts for backlog in backlogs.values())
    workers = len(current_app.control.ping(timeout=PATIENCE))
    metrics.publish(QueueLength=waiting, BacklogPerTask=waiting / max(1, workers))


def by_queue(now: datetime) -> dict[str, Backlog]:
    """The backlog of every queue, empty ones included, from one query over the receipts that are not finished."""
    due = Q(state=State.QUEUED) & (Q(retry_at=None) | Q(retry_at__lte=now))
    waits = due | Q(state=State.UPLOADED)
    rows = (
        Receipt.objects.filter(waits | _BEING_READ)
        .order_by()
        .values(queue=_QUEUE)
        .annotate(receipts=Count("id"), since=Min(Coalesce("retry_at", F("state_changed_at")), filter=waits))
    )
    found = {
        row["queue"]: Backlog(
            receipts=row["receipts"],
            oldest_seconds=max(0.0, (now - row["since"]).total_seconds()) if row["since"] else 0.0,
        )
        for row in rows
    }
    return {queue: found.get(queue, Backlog()) for queue in settings.QUEUES}
