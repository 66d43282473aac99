"""A receipt that the embedded engine read meanwhile is read by OpenAI later. Until that is done, nothing changes.

The receipt keeps its state and its figures all the time; whoever corrected it is not overruled.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import redis
import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from extraction import ExtractionError, NotYetError, RetryableExtractionError
from openai_gateway import breaker, gateway, ledger
from receipts import reading, storage
from receipts.models import Reading, Receipt
from receipts.refused import RefusedError
from receipts.states import READ, State

LEASE = timedelta(minutes=10)
"""A message for a second reading that was lost is sent again after this."""

AT_ONCE = 100
"""Second readings sent by one sweep: they come after all others."""

MOST_A_DAY = 3
"""Fresh readings of one image that people may ask for within a day: each may be billed."""

log = structlog.get_logger(__name__)


class CannotRereadError(RefusedError):
    """A fresh reading makes no sense now."""


def claim_due() -> list[UUID]:
    """Receipts whose second reading is due; each is claimed for LEASE."""
    now = timezone.now()
    waiting = Receipt.objects.filter(reread_at__lt=now)
    if settings.EXTRACTION_ENGINE != gateway.ENGINE:
        waiting.update(reread_at=None)
        return []
    try:
        # At half-open the one that tries has to come from somewhere, when nobody sends in anything.
        most = {"open": 0, "half_open": 1, "closed": AT_ONCE}[breaker.state()]
    except redis.RedisError:
        return []
    waiting.filter(corrected_at__isnull=False).update(reread_at=None)
    due = list(waiting.filter(state__in=READ).order_by("reread_at").values_list("id", "reread_at")[:most])
    return [
        receipt_id
        for receipt_id, reread_at in due
        if Receipt.objects.filter(id=receipt_id, reread_at=reread_at).update(reread_at=now + LEASE)
    ]


def reread(receipt_id: UUID, *, fresh: bool = False) -> State | None:
    """Read a receipt that was claimed once more; the state it is in afterwards, None when nothing was changed.

    `fresh`: its own picture, not what is known from another one of the same receipt.
    Raises DatabaseError, after which the claim runs out.
    """
    receipt = Receipt.objects.filter(id=receipt_id, state__in=READ, corrected_at=None, reread_at__isnull=False).first()
    if receipt is None or settings.EXTRACTION_ENGINE != gateway.ENGINE:
        return None
    with structlog.contextvars.bound_contextvars(receipt=str(receipt_id)):
        try:
            digest, found = reading.find(receipt, fresh=fresh)
        except NotYetError as error:
            return _postpone(receipt, timedelta(seconds=error.retry_after or gateway.LATER_SECONDS))
        except (RetryableExtractionError, storage.StorageUnavailableError, SoftTimeLimitExceeded):
            return _postpone(receipt, gateway.REREAD_AFTER)
        except (ExtractionError, storage.ObjectMissingError):
            return _leave(receipt)
        except DatabaseError:
            raise
        except Exception:  # the figures that are there are good enough
            log.exception("receipt_not_reread")
            return _leave(receipt)
        if found.extraction.engine != gateway.ENGINE:
            # What OpenAI has read before stays, and so does what is said of it.
            fallback = receipt.fallback if receipt.engine == gateway.ENGINE else found.fallback
            return _leave(receipt, fallback=fallback, reread_at=found.reread_at)
        return _replace(receipt, digest, found)


def ask(receipt: Receipt) -> None:
    """A person wants OpenAI to read this receipt afresh, although it may have been billed for it before.

    Raises CannotRereadError.
    """
    if settings.EXTRACTION_ENGINE != gateway.ENGINE:
        raise CannotRereadError(
            "Receipts are read by the embedded engine, which would read the same again.", code="not_openai"
        )
    if receipt.state not in READ or receipt.corrected_at:
        told = "Only a receipt that was read, and that nobody has corrected, can be read afresh."
        raise CannotRereadError(told, code="not_read")
    digest = receipt.content_sha256
    if ledger.rereadings(digest, within=timedelta(days=1)) >= MOST_A_DAY:
        raise CannotRereadError("This image was read afresh often enough today.", code="too_often")
    with transaction.atomic():
        if not ledger.supersede(digest):
            raise CannotRereadError("This image is being read right now.", code="being_read")
        Reading.objects.filter(content_sha256=digest, engine=gateway.ENGINE, extraction__isnull=False).delete()
        Receipt.objects.filter(id=receipt.id).update(reread_at=timezone.now() + LEASE)


def _postpone(receipt: Receipt, pause: timedelta) -> None:
    Receipt.objects.filter(id=receipt.id, reread_at__isnull=False).update(reread_at=timezone.now() + pause)


def _leave(receipt: Receipt, *, fallback: str | None = None, reread_at: datetime | None = None) -> None:
    kept = receipt.fallback if fallback is None else fallback
    Receipt.objects.filter(id=receipt.id).update(fallback=kept, reread_at=reread_at)


def _replace(receipt: Receipt, digest: str, found: reading.Found) -> State | None:
    with transaction.atomic():
        standing = Receipt.objects.select_for_update().filter(id=receipt.id).first()
        if standing is None or standing.state not in READ or standing.corrected_at:
            return None
        return reading.store(standing, digest, found, source=State(standing.state))
