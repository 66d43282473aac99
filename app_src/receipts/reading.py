"""One receipt, from the image in the bucket to figures in the database.

Idempotent: it may be delivered twice, die anywhere, and be delivered again.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache, partial
from uuid import UUID

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from extraction import (
    Engine,
    Extraction,
    ExtractionError,
    RejectedImageError,
    RetryableExtractionError,
    engine_for,
)
from extraction.images import open_photo
from receipts import duplicates, pictures, remembered, storage
from receipts.models import LineItem, Receipt
from receipts.readings import digest_of, read_once
from receipts.record import record
from receipts.states import State, move
from spendsmart.database import pin_to_writer

MAX_ATTEMPTS = 6
"""Tries before a receipt is given up: with the pauses below, the last one a quarter of an hour after the first."""

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=10)

log = structlog.get_logger(__name__)


@cache
def engine() -> Engine:
    """The configured engine, one for the life of the process: the local one holds its models."""
    return engine_for(
        name=settings.EXTRACTION_ENGINE,
        openai_api_key=settings.OPENAI_API_KEY,
        openai_model=settings.OPENAI_MODEL,
    )


def process(receipt_id: UUID) -> State | None:
    """Read one queued receipt; the state it is in afterwards, None when somebody else has it or it is gone.

    Raises DatabaseError, after which the sweeper finds the receipt.
    """
    if not move(receipt_id, source=State.QUEUED, target=State.EXTRACTING, attempts=F("attempts") + 1):
        return None
    receipt = Receipt.objects.filter(id=receipt_id).first()
    if receipt is None:  # deleted this very moment
        return None
    with structlog.contextvars.bound_contextvars(receipt=str(receipt_id), attempt=receipt.attempts):
        return _read(receipt)


def _read(receipt: Receipt) -> State | None:
    try:
        image = storage.read(receipt.key)
        if len(image) > settings.UPLOAD_MAX_BYTES:
            return _end(receipt, State.REJECTED, f"The image has more than {settings.UPLOAD_MAX_BYTES} bytes.")
        pictures.keep(receipt, open_photo(image, longest_side=pictures.PHOTO_SIDE))
        return _store(receipt, digest_of(image), read_once(image, engine=engine()))
    except RejectedImageError as error:
        return _end(receipt, State.REJECTED, error.reason)
    except storage.ObjectMissingError:
        return _end(receipt, State.FAILED, "The image is not in the bucket any more.")
    except RetryableExtractionError as error:
        pause = timedelta(seconds=error.retry_after) if error.retry_after else None
        return _later(receipt, f"The reader could not answer: {error}", pause)
    except storage.StorageUnavailableError as error:
        return _later(receipt, f"The image could not be fetched: {error}")
    except ExtractionError as error:
        return _end(receipt, State.FAILED, f"The image could not be read: {error}")
    except SoftTimeLimitExceeded:
        return _later(receipt, "Reading the image took too long.")
    except DatabaseError:
        raise
    except Exception:  # whatever a decoder or a model comes up with: the receipt still ends somewhere
        log.exception("receipt_broke_the_reader")
        return _later(receipt, "Reading the image failed unexpectedly.")


def _store(receipt: Receipt, digest: str, found: Extraction) -> State | None:
    """Write all that was read in one transaction, if the receipt is still ours."""
    read = record(remembered.apply(receipt.user_id, found))
    state = State.NEEDS_REVIEW if read.review_reasons else State.EXTRACTED
    original = duplicates.find(receipt, page_text=read.columns["text"], content_sha256=digest)
    with transaction.atomic():
        kept = move(
            receipt.id,
            source=State.EXTRACTING,
            target=state,
            content_sha256=digest,
            reason=" ".join(read.review_reasons)[:500],
            review_reasons=read.review_reasons,
            retry_at=None,
            printed_merchant=record(found).columns["merchant"],
            **duplicates.columns(receipt, original),
            **read.columns,
        )
        if not kept:
            return None
        LineItem.objects.filter(receipt=receipt).delete()
        LineItem.objects.bulk_create(
            LineItem(receipt=receipt, position=position, **line) for position, line in enumerate(read.lines)
        )
        # Who polls this receipt asks for the sums next: the replica may not have it yet.
        transaction.on_commit(partial(pin_to_writer, receipt.user_id))
    log.info("receipt_read", state=state, engine=found.engine)
    return state


def _end(receipt: Receipt, state: State, reason: str) -> State | None:
    log.info("receipt_ended", state=state, reason=reason)
    ended = move(receipt.id, source=State.EXTRACTING, target=state, reason=reason[:500], retry_at=None)
    return state if ended else None


def _later(receipt: Receipt, reason: str, pause: timedelta | None = None) -> State | None:
    """Back to the queue after a pause that doubles, or given up after MAX_ATTEMPTS."""
    if receipt.attempts >= MAX_ATTEMPTS:
        return _end(receipt, State.FAILED, reason)
    pause = min(pause or FIRST_PAUSE * 2 ** (receipt.attempts - 1), LONGEST_PAUSE)
    log.warning("receipt_postponed", reason=reason, seconds=pause.total_seconds())
    moved = move(
        receipt.id, source=State.EXTRACTING, target=State.QUEUED, reason=reason[:500], retry_at=timezone.now() + pause
    )
    return State.QUEUED if moved else None
