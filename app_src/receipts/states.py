"""A receipt's life. The database is its only truth: the queue may lose anything, the sweeper finds it here.

    awaiting_upload → uploaded → queued → extracting → extracted | needs_review | failed | rejected
                                   ↑          ↓
                                   ←  ←   batched

Every step is one conditional UPDATE, so of two who try the same step one wins and the other learns that it did not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils import timezone

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID


class State(models.TextChoices):
    AWAITING_UPLOAD = "awaiting_upload"
    UPLOADED = "uploaded"
    QUEUED = "queued"
    EXTRACTING = "extracting"
    BATCHED = "batched"
    EXTRACTED = "extracted"
    NEEDS_REVIEW = "needs_review"
    FAILED = "failed"
    REJECTED = "rejected"


FINAL = frozenset({State.EXTRACTED, State.NEEDS_REVIEW, State.FAILED, State.REJECTED})
READ = frozenset({State.EXTRACTED, State.NEEDS_REVIEW})
"""States in which a receipt carries figures that count."""

ALLOWED: dict[State, frozenset[State]] = {
    State.AWAITING_UPLOAD: frozenset({State.UPLOADED, State.FAILED}),
    State.UPLOADED: frozenset({State.QUEUED}),
    # A lost message is found by the sweeper, which queues the receipt anew.
    State.QUEUED: frozenset({State.QUEUED, State.EXTRACTING, State.FAILED}),
    # A worker that died leaves `extracting`; a reader that cannot answer now sends the receipt back.
    State.EXTRACTING: FINAL | {State.QUEUED, State.BATCHED},
    # In one of OpenAI's batches. With its answer or without one it is queued, and read from there.
    State.BATCHED: frozenset({State.QUEUED}),
    # A person corrects what was read, or OpenAI reads it after all.
    State.NEEDS_REVIEW: READ,
    State.EXTRACTED: READ,
    # A person asks for another try; what was refused as no picture stays refused.
    State.FAILED: frozenset({State.QUEUED}),
    State.REJECTED: frozenset(),
}


_READY = frozenset({State.UPLOADED, State.FAILED})
"""Who is queued from here has not waited yet."""


class ForbiddenTransitionError(Exception):
    """The code asked for a step that no receipt may take."""


def move(receipt_id: UUID, *, source: State, target: State, **changes: Any) -> bool:
    """Take one step, with `changes` to other columns in the same statement; False when the receipt was elsewhere.

    Raises ForbiddenTransitionError for a step that is not in ALLOWED, whatever the receipt's state.
    """
    return move_all([receipt_id], source=source, target=target, **changes) == 1


def move_all(receipt_ids: Collection[UUID], *, source: State, target: State, **changes: Any) -> int:
    """The same for several receipts at once; how many of them took the step.

    Raises ForbiddenTransitionError.
    """
    from receipts.models import Receipt

    if target not in ALLOWED[source]:
        raise ForbiddenTransitionError(f"{source} → {target}")
    now = timezone.now()
    if target == State.QUEUED and source in _READY:
        changes["waits_since"] = now
    return Receipt.objects.filter(id__in=receipt_ids, state=source).update(
        state=target, state_changed_at=now, updated_at=now, **changes
    )
