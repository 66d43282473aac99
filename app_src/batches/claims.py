"""One worker at a time works on a batch; a dead one's claim runs out."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from batches.models import Batch

TIME_LIMIT = 540
"""Seconds one run may take: below the broker's visibility timeout, after which the task would be delivered again."""

WORK_SECONDS = TIME_LIMIT * 0.6
"""After this a run begins nothing more: what it has begun has the rest of its time to be sent or collected."""

LEASE = timedelta(seconds=TIME_LIMIT + 60)
"""No run lives this long: an older claim belongs to a dead one."""


def claim(batch: Batch) -> bool:
    """Make this batch ours; False while somebody else works on it, or when it has moved on meanwhile."""
    now = timezone.now()
    free = Q(claimed_at=None) | Q(claimed_at__lt=now - LEASE)
    if not Batch.objects.filter(free, id=batch.id, state=batch.state).update(claimed_at=now):
        return False
    batch.claimed_at = now
    return True


def give_back(batch: Batch) -> None:
    """Let others work on it, unless somebody has taken it over."""
    Batch.objects.filter(id=batch.id, claimed_at=batch.claimed_at).update(claimed_at=None)
