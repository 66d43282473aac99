"""What Celery runs. A message is only a hint: the receipt's state in the database decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import redis
import structlog
from celery import shared_task
from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from openai_gateway import gateway, ledger, reporting
from receipts import deleted, reading, rereading, storage
from receipts.models import Receipt
from receipts.states import State, move
from spendsmart import broker

LOST = timedelta(seconds=30)
"""A receipt queued for longer than this while the queues are empty has lost its message."""

OVERDUE = timedelta(minutes=15)
"""After this it is sent again even though the queues are long: a second message does no harm."""

STUCK = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT + 30)
"""No task lives this long: whoever was reading this receipt is dead."""

UPLOAD_GRACE = timedelta(seconds=60)
BATCH = 500

log = structlog.get_logger(__name__)


@shared_task(name="receipts.tasks.extract")
def extract(receipt_id: str) -> None:
    reading.process(UUID(receipt_id))


def enqueue(receipt_id: UUID, *, source: State, queue: str = "interactive") -> bool:
    """Mark the receipt as queued, then send the message; without a broker the sweeper sends it later."""
    if not move(receipt_id, source=source, target=State.QUEUED, retry_at=None):
        return False
    send_or_leave(receipt_id, queue=queue)
    return True


def send_or_leave(receipt_id: UUID, *, queue: str) -> None:
    """Send the message of a receipt that is queued; without a broker the sweeper sends it later."""
    try:
        send(receipt_id, queue=queue)
    except OperationalError as error:
        log.warning("broker_unavailable", receipt=str(receipt_id), error=str(error))


@shared_task(name="receipts.tasks.reread")
def reread(receipt_id: str, fresh: bool = False) -> None:
    rereading.reread(UUID(receipt_id), fresh=fresh)


def send_reread(receipt_id: UUID, *, fresh: bool = True) -> None:
    """Send the message for a second reading; without a broker the sweeper sends it when the claim has run out.

    `fresh`: a person asked for it, and not for what is known from another picture of the same receipt.
    """
    try:
        reread.apply_async((str(receipt_id),), {"fresh": True} if fresh else {}, queue="bulk")
    except OperationalError as error:
        log.warning("broker_unavailable", receipt=str(receipt_id), error=str(error))


@shared_task(name="receipts.tasks.wake")
def wake() -> int:
    """Send those on their way whose time to try again has come: how many there were."""
    return _each(Q(state=State.QUEUED, retry_at__lt=timezone.now()), _queue_again)


def send(receipt_id: UUID, *, queue: str) -> None:
    """Send the message, and log that with the receipt's id. Raises OperationalError without a broker."""
    with structlog.contextvars.bound_contextvars(receipt=str(receipt_id)):
        extract.apply_async((str(receipt_id),), queue=queue)


def queue_of(receipt: Receipt, *, otherwise: str = "interactive") -> str:
    """Nobody waits in front of the screen for one of a whole folder."""
    return "bulk" if receipt.bulk_upload_id else otherwise


@shared_task(name="receipts.tasks.sweep")
def sweep() -> dict[str, int]:
    """Send every unfinished receipt on its way again; how many of each kind were found."""
    now = timezone.now()
    patience = LOST if _queues_are_empty() else OVERDUE
    expiry = timedelta(seconds=settings.UPLOAD_EXPIRY_SECONDS) + UPLOAD_GRACE
    waiting = Q(state=State.QUEUED)
    found = {
        "uploaded": _each(Q(state=State.UPLOADED, state_changed_at__lt=now - timedelta(seconds=10)), _queue_uploaded),
        "lost": _each(waiting & Q(retry_at=None, state_changed_at__lt=now - patience), _queue_again),
        "due": _each(waiting & Q(retry_at__lt=now), _queue_again),
        "stuck": _each(Q(state=State.EXTRACTING, state_changed_at__lt=now - STUCK), _take_from_dead),
        "expired": _each(Q(state=State.AWAITING_UPLOAD, state_changed_at__lt=now - expiry), _settle_expired),
    }
    due = rereading.claim_due()
    for receipt_id in due:
        send_reread(receipt_id, fresh=False)
    found |= {"rereads": len(due), "abandoned_calls": ledger.settle_abandoned()}
    if settings.EXTRACTION_ENGINE == gateway.ENGINE:
        reporting.today()
    if any(found.values()):
        log.info("receipts_swept", **found)
    return found


@shared_task(name="receipts.tasks.sweep_deleted")
def sweep_deleted() -> int:
    """Delete what receipts have left behind that were deleted; of how many something was left to do."""
    return deleted.sweep()


def _queues_are_empty() -> bool:
    try:
        return broker.messages() == 0
    except redis.RedisError:
        return False


def _each(which: Q, act: Callable[[Receipt], None]) -> int:
    found = list(Receipt.objects.filter(which).order_by("state_changed_at")[:BATCH])
    for receipt in found:
        with structlog.contextvars.bound_contextvars(receipt=str(receipt.id)):
            act(receipt)
    return len(found)


def _queue_uploaded(receipt: Receipt) -> None:
    enqueue(receipt.id, source=State.UPLOADED, queue=queue_of(receipt))


def _queue_again(receipt: Receipt) -> None:
    enqueue(receipt.id, source=State.QUEUED, queue=queue_of(receipt, otherwise="default"))


def _take_from_dead(receipt: Receipt) -> None:
    if receipt.attempts >= reading.MAX_ATTEMPTS:
        move(receipt.id, source=State.EXTRACTING, target=State.FAILED, reason="Reading it failed again and again.")
        log.error("receipt_given_up", attempts=receipt.attempts)
    else:
        enqueue(receipt.id, source=State.EXTRACTING, queue=queue_of(receipt, otherwise="default"))


def _settle_expired(receipt: Receipt) -> None:
    """The form has expired: either the image arrived and nobody said so, or it never will."""
    try:
        arrived = storage.exists(receipt.key)
    except storage.StorageUnavailableError as error:
        log.warning("storage_unavailable", error=str(error))
        return
    if arrived:
        move(receipt.id, source=State.AWAITING_UPLOAD, target=State.UPLOADED)
        enqueue(receipt.id, source=State.UPLOADED, queue=queue_of(receipt))
    else:
        move(receipt.id, source=State.AWAITING_UPLOAD, target=State.FAILED, reason="The image was never uploaded.")
        log.info("upload_expired")
