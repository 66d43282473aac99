"""One receipt, from the image in the bucket to figures in the database.

Idempotent: it may be delivered twice, die anywhere, and be delivered again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone
from opentelemetry import trace
from PIL import Image

from batches import items as batch_items
from extraction import Extraction, ExtractionError, NotYetError, RejectedImageError, RetryableExtractionError
from extraction.images import open_photo
from extraction.local import read_page
from extraction.page import PHOTO_SIDE
from openai_gateway import gateway, reporting
from receipts import duplicates, pictures, readings, remembered, storage
from receipts.models import LineItem, Receipt
from receipts.record import record
from receipts.states import State, move
from spendsmart.metrics import Metric, publish

MAX_ATTEMPTS = 6
"""Tries before a receipt is given up: with the pauses below, the last one a quarter of an hour after the first."""

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=10)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Found:
    """A reading, and why another engine than the configured one made it (`fallback`), and when that one shall.

    `original` is the receipt of which this is a second picture, where that is how it was read.
    """

    extraction: Extraction
    fallback: str = ""
    reread_at: datetime | None = None
    original: Receipt | None = None


class _CanWaitError(Exception):
    """This receipt may as well be read in a batch; `digest` identifies its image."""

    def __init__(self, digest: str) -> None:
        super().__init__(digest)
        self.digest = digest


def process(receipt_id: UUID) -> State | None:
    """Read one queued receipt; the state it is in afterwards, None when somebody else has it or it is gone.

    Raises DatabaseError, after which the sweeper finds the receipt.
    """
    if not move(receipt_id, source=State.QUEUED, target=State.EXTRACTING, attempts=F("attempts") + 1):
        return None
    receipt = Receipt.objects.filter(id=receipt_id).first()
    if receipt is None:  # deleted this very moment
        return None
    trace.get_current_span().set_attributes(
        {"spendsmart.receipt": str(receipt_id), "spendsmart.attempt": receipt.attempts}
    )
    with structlog.contextvars.bound_contextvars(receipt=str(receipt_id), attempt=receipt.attempts):
        return _read(receipt)


def _read(receipt: Receipt) -> State | None:
    try:
        digest, found = find(receipt, at_once=False)
        return store(receipt, digest, found)
    except _CanWaitError as patient:
        return State.BATCHED if batch_items.hand_over(receipt, patient.digest) else None
    except RejectedImageError as error:
        return _end(receipt, State.REJECTED, error.reason)
    except storage.ObjectMissingError:
        return _end(receipt, State.FAILED, "The image is not in the bucket any more.")
    except NotYetError as error:
        return _wait(receipt, error)
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


def find(receipt: Receipt, *, at_once: bool = True, fresh: bool = False) -> tuple[str, Found]:
    """What identifies the receipt's image, and what is read on it.

    Unless `at_once`, a batch may be waited for; unless `fresh`, what is known from another picture of the same receipt
    will do. Raises what `storage.read`, `open_photo`, the embedded reader and `openai_gateway.gateway.read` raise.
    """
    image = storage.read(receipt.key)
    if len(image) > settings.UPLOAD_MAX_BYTES:
        raise RejectedImageError(f"The image has more than {settings.UPLOAD_MAX_BYTES} bytes.")
    digest = readings.digest_of(image)
    photo = open_photo(image, longest_side=PHOTO_SIDE)
    pictures.keep(receipt, photo, content_sha256=digest)
    return digest, _found(receipt, digest, photo, at_once=at_once, fresh=fresh)


def _found(receipt: Receipt, digest: str, photo: Image.Image, *, at_once: bool, fresh: bool) -> Found:
    """What the configured engine reads on the picture, or the embedded one where OpenAI may not be asked now.

    The text is recognized in any case: an answer of OpenAI's is checked against it.
    """
    began = time.monotonic()
    with_openai = settings.EXTRACTION_ENGINE == gateway.ENGINE
    if with_openai and (kept := readings.kept(digest, engine=gateway.ENGINE)) is not None:
        if not batch_items.brought(receipt, digest):
            reporting.looked_up(hit=True)
        return _of_openai(Extraction.model_validate(kept))
    page = readings.page_of(photo, content_sha256=digest)
    local = read_page(page)
    if not with_openai:
        found = Found(extraction=local)
    elif not fresh and (known := duplicates.reading_of_first(receipt, page=page, local=local, engine=gateway.ENGINE)):
        reporting.looked_up(hit=True)
        extraction, original = known
        readings.keep(digest, extraction.model_dump(mode="json"), engine=gateway.ENGINE)
        found = replace(_of_openai(extraction), original=original)
    elif not at_once and batch_items.wanted(receipt, digest):
        raise _CanWaitError(digest)
    else:
        question = gateway.Question(
            photo=photo, content_sha256=digest, page=page, local=local, receipt_id=receipt.id, user_id=receipt.user_id
        )
        found = _ask_openai(question)
    publish(
        Metric("ExtractionSeconds", time.monotonic() - began, "Seconds"), dimensions={"Engine": found.extraction.engine}
    )
    return found


def _ask_openai(question: gateway.Question) -> Found:
    try:
        with readings.claimed(question.content_sha256, engine=gateway.ENGINE) as claim:
            reporting.looked_up(hit=False)
            read = gateway.read(question, keep=lambda found: claim.keep(found.model_dump(mode="json")))
        return _of_openai(read)
    except gateway.FallbackError as fallback:
        log.info("receipt_falls_back", why=fallback.reason)
        publish(Metric("Fallbacks", 1), dimensions={"Reason": fallback.reason}, total=True)
        reasons = [fallback.told] if fallback.told else []
        local = question.local.model_copy(update={"needs_review": reasons + question.local.needs_review})
        again = timezone.now() + fallback.reread_in if fallback.reread_in else None
        return Found(extraction=local, fallback=fallback.reason, reread_at=again)


def _of_openai(extraction: Extraction) -> Found:
    """An answer without fields has become the embedded reader's (`extraction.verified`)."""
    useful = extraction.engine == gateway.ENGINE
    return Found(extraction=extraction, fallback="" if useful else "unusable_answer")


def store(receipt: Receipt, digest: str, found: Found, *, source: State = State.EXTRACTING) -> State | None:
    """Write all that was read in one transaction, if the receipt is still ours."""
    read = record(remembered.apply(receipt.user_id, found.extraction))
    state = State.NEEDS_REVIEW if read.review_reasons else State.EXTRACTED
    # After OpenAI has answered, not before: two pictures of one receipt may be read at the same time.
    original = found.original or duplicates.find(receipt, page_text=read.columns["text"], content_sha256=digest)
    with transaction.atomic():
        kept = move(
            receipt.id,
            source=source,
            target=state,
            content_sha256=digest,
            reason=" ".join(read.review_reasons)[:500],
            review_reasons=read.review_reasons,
            retry_at=None,
            fallback=found.fallback,
            reread_at=found.reread_at,
            printed_merchant=record(found.extraction).columns["merchant"],
            **duplicates.columns(receipt, original),
            **read.columns,
        )
        if not kept:
            return None
        LineItem.objects.filter(receipt=receipt).delete()
        LineItem.objects.bulk_create(
            LineItem(receipt=receipt, position=position, **line) for position, line in enumerate(read.lines)
        )
    trace.get_current_span().set_attributes(
        {"spendsmart.engine": found.extraction.engine, "spendsmart.outcome": str(state)}
    )
    log.info("receipt_read", state=state, engine=found.extraction.engine, fallback=found.fallback)
    publish(Metric("Extractions", 1), dimensions={"Engine": found.extraction.engine, "Outcome": str(state)}, total=True)
    if source == State.EXTRACTING and receipt.waits_since:
        waited = (timezone.now() - receipt.waits_since).total_seconds()
        upload = "bulk" if receipt.bulk_upload_id else "single"
        publish(Metric("ReceiptSeconds", waited, "Seconds"), dimensions={"Upload": upload})
    return state


def _end(receipt: Receipt, state: State, reason: str) -> State | None:
    log.info("receipt_ended", state=state, reason=reason)
    publish(Metric("Extractions", 1), dimensions={"Engine": "none", "Outcome": str(state)}, total=True)
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


def _wait(receipt: Receipt, error: NotYetError) -> State | None:
    """Back to the queue, however often: who waits for their turn has not tried.

    Not longer than LONGEST_PAUSE, so that whoever has waited too long is soon in a batch (`batches.items.wanted`).
    """
    pause = min(timedelta(seconds=error.retry_after or readings.BUSY_SECONDS), LONGEST_PAUSE)
    log.info("receipt_waits", reason=str(error), seconds=pause.total_seconds())
    moved = move(
        receipt.id,
        source=State.EXTRACTING,
        target=State.QUEUED,
        reason=str(error)[:500],
        retry_at=timezone.now() + pause,
        attempts=F("attempts") - 1,
    )
    return State.QUEUED if moved else None
