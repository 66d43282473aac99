"""Several receipts in one go: announced together, completed together, read behind those that somebody waits for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Count
from kombu.exceptions import OperationalError

from receipts import storage, tasks
from receipts.models import BulkUpload, Receipt
from receipts.states import FINAL, State, move_all

AT_ONCE = 100
"""Files that one call may announce or complete; any number of calls add to the same bulk upload."""

SHOWN_FAILURES = 100
S3_CALLS = 8

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Announced:
    receipt: Receipt
    form: storage.UploadForm


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How many of the receipts are in which state; `done` is the number of those that nothing more will happen to."""

    states: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.states.values())

    @property
    def done(self) -> int:
        return sum(count for state, count in self.states.items() if state in FINAL)


@dataclass(frozen=True, kw_only=True)
class Completion:
    """`accepted` are on their way, now or before; `missing` were not uploaded; `unknown` are none of this upload."""

    accepted: list[UUID]
    missing: list[UUID]
    unknown: list[UUID]


def announce(bulk: BulkUpload, files: Iterable[dict[str, Any]]) -> list[Announced]:
    """A receipt, not yet saved, and a form for each file. Raises StorageUnavailableError."""
    made = [Receipt(user_id=bulk.user_id, bulk_upload=bulk, **file) for file in files]
    return [
        Announced(
            receipt=receipt,
            form=storage.upload_form(key=receipt.key, content_type=receipt.content_type, size=receipt.size),
        )
        for receipt in made
    ]


def complete(bulk: BulkUpload, receipt_ids: Sequence[UUID]) -> Completion:
    """Queue those of the receipts whose image has arrived. Raises StorageUnavailableError; then nothing has changed."""
    found = {receipt.id: receipt for receipt in bulk.receipts.filter(id__in=receipt_ids).defer("text")}
    waiting = [receipt for receipt in found.values() if receipt.state == State.AWAITING_UPLOAD]
    arrived = _arrived(waiting)
    missing = {receipt.id for receipt in waiting} - arrived
    if arrived:
        with transaction.atomic():
            move_all(arrived, source=State.AWAITING_UPLOAD, target=State.UPLOADED)
            transaction.on_commit(partial(_enqueue_all, arrived))
    return Completion(
        accepted=[key for key in receipt_ids if key in found and key not in missing],
        missing=[key for key in receipt_ids if key in missing],
        unknown=[key for key in receipt_ids if key not in found],
    )


def progress(bulk_ids: Collection[UUID]) -> dict[UUID, Progress]:
    """One query, however many bulk uploads and receipts there are."""
    found = {bulk_id: Progress() for bulk_id in bulk_ids}
    counted = Receipt.objects.filter(bulk_upload__in=bulk_ids).order_by().values_list("bulk_upload", "state")
    for bulk_id, state, count in counted.annotate(count=Count("id")):
        found[bulk_id].states[state] = count
    return found


def failures(bulk: BulkUpload) -> list[Receipt]:
    """Those that came to nothing, with the reason."""
    ended = bulk.receipts.filter(state__in=[State.FAILED, State.REJECTED])
    return list(ended.only("id", "file_name", "state", "reason").order_by("created_at", "id")[:SHOWN_FAILURES])


def _arrived(receipts: Sequence[Receipt]) -> set[UUID]:
    if not receipts:
        return set()
    with ThreadPoolExecutor(S3_CALLS) as threads:
        there = list(threads.map(storage.exists, [receipt.key for receipt in receipts]))
    return {receipt.id for receipt, is_there in zip(receipts, there, strict=True) if is_there}


def _enqueue_all(receipt_ids: Collection[UUID]) -> None:
    """A message that cannot be sent is the sweeper's, and so are those after it: a broker that is away stays away."""
    move_all(receipt_ids, source=State.UPLOADED, target=State.QUEUED, retry_at=None)
    for sent, receipt_id in enumerate(receipt_ids):
        try:
            tasks.send(receipt_id, queue="bulk")
        except OperationalError as error:
            log.warning("broker_unavailable", sent=sent, unsent=len(receipt_ids) - sent, error=str(error))
            return
