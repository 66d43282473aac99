"""One receipt, from the image in the bucket to figures in the database.

Idempotent: it may be delivered twice, die anywhere, and be delivered again.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from extraction import (
    Engine,
    Extraction,
    ExtractionError,
    RejectedImageError,
    RetryableExtractionError,
    engine_for,
)
from receipts import storage
from receipts.models import LineItem, Reading, Receipt
from receipts.states import State, move

MAX_ATTEMPTS = 6
"""Tries before a receipt is given up: with the pauses below, the last one half an hour after the first."""

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
    """Read one queued receipt; the state it is in afterwards, None when somebody else has it or it is gone."""
    if not move(receipt_id, source=State.QUEUED, target=State.EXTRACTING):
        return None
    receipt = Receipt.objects.get(id=receipt_id)
    receipt.attempts += 1
    Receipt.objects.filter(id=receipt_id).update(attempts=receipt.attempts)
    structlog.contextvars.bind_contextvars(receipt=str(receipt_id), attempt=receipt.attempts)
    try:
        return _store(receipt, *_read(receipt))
    except RejectedImageError as error:
        return _end(receipt, State.REJECTED, error.reason)
    except storage.ObjectMissingError:
        return _end(receipt, State.FAILED, "The image is not in the bucket any more.")
    except RetryableExtractionError as error:
        pause = timedelta(seconds=error.retry_after) if error.retry_after else None
        return _later(receipt, f"The reader could not answer: {error}", pause)
    except storage.StorageUnavailableError as error:
        return _later(receipt, f"The bucket could not be read: {error}", None)
    except ExtractionError as error:
        return _end(receipt, State.FAILED, f"The image could not be read: {error}")


def _read(receipt: Receipt) -> tuple[str, Extraction]:
    body = storage.read(receipt.key)
    if len(body) > settings.UPLOAD_MAX_BYTES:
        raise RejectedImageError(f"The image has more than {settings.UPLOAD_MAX_BYTES} bytes.")
    digest = hashlib.sha256(body).hexdigest()
    known = Reading.objects.filter(content_sha256=digest, engine=engine().name).first()
    if known:
        return digest, Extraction.model_validate(known.extraction)
    found = engine().extract(body)
    Reading.objects.get_or_create(
        content_sha256=digest, engine=engine().name, defaults={"extraction": found.model_dump(mode="json")}
    )
    return digest, found


def _store(receipt: Receipt, digest: str, found: Extraction) -> State | None:
    """Write all that was read in one transaction, if the receipt is still ours."""
    reasons = list(found.needs_review)
    if found.total is None and not reasons:
        reasons.append("No total was found.")
    state = State.NEEDS_REVIEW if reasons else State.EXTRACTED
    with transaction.atomic():
        kept = move(
            receipt.id,
            source=State.EXTRACTING,
            target=state,
            content_sha256=digest,
            reason=" ".join(reasons)[:500],
            review_reasons=reasons,
            retry_at=None,
            **_columns(found),
        )
        if not kept:
            return None
        LineItem.objects.filter(receipt=receipt).delete()
        LineItem.objects.bulk_create(
            LineItem(
                receipt=receipt,
                position=position,
                description=item.description[:300],
                quantity=item.quantity,
                unit_price=item.unit_price,
                price=item.price,
            )
            for position, item in enumerate(found.items)
        )
    log.info("receipt_read", state=state, engine=found.engine)
    return state


def _columns(found: Extraction) -> dict[str, Any]:
    return {
        "merchant": (found.merchant or "")[:200],
        "address": (found.address or "")[:500],
        "purchased_on": found.purchased_on,
        "currency": found.currency or "",
        "subtotal": found.subtotal,
        "tax": found.tax,
        "tip": found.tip,
        "total": found.total,
        "payment": (found.payment or "")[:16],
        "category": (found.category or "")[:50],
        "engine": found.engine[:50],
        "confidence": found.confidence,
        "text": found.text,
    }


def _end(receipt: Receipt, state: State, reason: str) -> State | None:
    log.info("receipt_ended", state=state, reason=reason)
    return state if move(receipt.id, source=State.EXTRACTING, target=state, reason=reason[:500]) else None


def _later(receipt: Receipt, reason: str, pause: timedelta | None) -> State | None:
    """Back to the queue after a pause that doubles, or given up after MAX_ATTEMPTS."""
    if receipt.attempts >= MAX_ATTEMPTS:
        return _end(receipt, State.FAILED, reason)
    pause = min(pause or FIRST_PAUSE * 2 ** (receipt.attempts - 1), LONGEST_PAUSE)
    log.warning("receipt_postponed", reason=reason, seconds=pause.total_seconds())
    moved = move(
        receipt.id, source=State.EXTRACTING, target=State.QUEUED, reason=reason[:500], retry_at=timezone.now() + pause
    )
    return State.QUEUED if moved else None
