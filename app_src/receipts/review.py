"""Receipts that need a person, oldest first: what the reader was not sure of, and what may be there twice.

Receipts that came to nothing are not part of the queue unless asked for: most of them need another photograph.
"""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass
from functools import reduce
from operator import or_
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from receipts import storage, tasks
from receipts.models import Duplicate, Receipt
from receipts.refused import RefusedError
from receipts.states import State, move


class Kind(enum.StrEnum):
    """Why a receipt needs a person."""

    NEEDS_REVIEW = "needs_review"
    DUPLICATE = "duplicate"
    FAILED = "failed"
    REJECTED = "rejected"


QUEUE = (Kind.NEEDS_REVIEW, Kind.DUPLICATE)

_WHICH = {
    Kind.NEEDS_REVIEW: Q(state=State.NEEDS_REVIEW),
    Kind.DUPLICATE: Q(duplicate=Duplicate.SUSPECTED),
    Kind.FAILED: Q(state=State.FAILED),
    Kind.REJECTED: Q(state=State.REJECTED),
}


class CannotRetryError(RefusedError):
    """Reading it again would come to the same."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a receipt stands in the queue, or stood before it left: what comes before and after, and how many wait."""

    previous: UUID | None
    next: UUID | None
    left: int


def pending(user_id: UUID, kinds: Collection[Kind] = QUEUE) -> QuerySet[Receipt]:
    """The person's receipts of these kinds, oldest first."""
    which = reduce(or_, (_WHICH[kind] for kind in kinds))
    return Receipt.objects.filter(which, user_id=user_id).order_by("created_at", "id")


def counts(user_id: UUID) -> dict[Kind, int]:
    """How many there are of each kind; one may be of two."""
    counted = pending(user_id, Kind).order_by()
    found = counted.aggregate(**{kind.value: Count("id", filter=_WHICH[kind]) for kind in Kind})
    return {kind: found[kind] for kind in Kind}


def kinds_of(receipt: Receipt) -> list[Kind]:
    kinds = [Kind(receipt.state)] if receipt.state in {State.NEEDS_REVIEW, State.FAILED, State.REJECTED} else []
    return kinds + ([Kind.DUPLICATE] if receipt.duplicate == Duplicate.SUSPECTED else [])


def reasons(receipt: Receipt) -> list[str]:
    """Sentences for the person."""
    found = list(receipt.review_reasons) or ([receipt.reason] if receipt.reason else [])
    if receipt.duplicate == Duplicate.SUSPECTED:
        found.append("It looks like another receipt of yours.")
    return found


def place(receipt: Receipt, kinds: Collection[Kind] = QUEUE) -> Place:
    """Three queries, each by the index that the queue has of its own."""
    queue = pending(receipt.user_id, kinds)
    # Both comparisons of the time bound the scan; the one within the same moment only sorts out.
    before = queue.filter(
        Q(created_at__lt=receipt.created_at) | Q(id__lt=receipt.id), created_at__lte=receipt.created_at
    )
    after = queue.filter(
        Q(created_at__gt=receipt.created_at) | Q(id__gt=receipt.id), created_at__gte=receipt.created_at
    )
    return Place(
        previous=before.order_by("-created_at", "-id").values_list("id", flat=True).first(),
        next=after.values_list("id", flat=True).first(),
        left=queue.count(),
    )


def can_retry(receipt: Receipt) -> bool:
    """Whether reading it again may help: a picture that was refused stays refused, and one that never came is not
    there to be read."""
    return receipt.state == State.FAILED and receipt.attempts > 0


def retry(receipt: Receipt) -> None:
    """Let a receipt that failed be read again, with all its attempts. Raises CannotRetryError or
    StorageUnavailableError."""
    if receipt.state != State.FAILED:
        raise CannotRetryError(f"A receipt that is {receipt.state} cannot be read again.", code="not_failed")
    if not storage.exists(receipt.key):
        raise CannotRetryError("Its image is not there; upload it anew.", code="no_image")
    if move(receipt.id, source=State.FAILED, target=State.QUEUED, attempts=0, reason="", retry_at=None):
        tasks.enqueue(receipt.id, source=State.QUEUED, queue=tasks.queue_of(receipt))
