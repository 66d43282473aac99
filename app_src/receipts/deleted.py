"""What a deleted receipt leaves behind, and who comes back for it.

Its form is good for some time yet: an image that arrives by it would lie in the bucket for ever, and so do the pictures
of a person whose whole account was deleted. What was read on an image goes with the last receipt that has it, too.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from openai_gateway import ledger
from receipts import pictures, storage
from receipts.models import DeletedReceipt, Reading, Receipt

AFTER = timedelta(seconds=settings.UPLOAD_EXPIRY_SECONDS, hours=1)
"""By then the form has expired, and whatever was being sent with it has arrived or never will."""

AGAIN = timedelta(hours=1)
"""After which a receipt is tried again for which something could not be done."""

AT_ONCE = 500

log = structlog.get_logger(__name__)


def remember(receipt: Receipt) -> None:
    """A receipt is being deleted, in this transaction."""
    DeletedReceipt.objects.update_or_create(
        receipt_id=receipt.id,
        defaults={
            "user_id": receipt.user_id,
            "content_sha256": receipt.content_sha256,
            "due_at": timezone.now() + AFTER,
        },
    )


def sweep() -> int:
    """Delete what is left of receipts that were deleted; of how many something was left to do."""
    due = list(DeletedReceipt.objects.filter(due_at__lt=timezone.now()).order_by("due_at")[:AT_ONCE])
    for row in due:
        if _delete_objects(row) and _forget_reading(row.content_sha256):
            row.delete()
        else:
            DeletedReceipt.objects.filter(pk=row.pk).update(due_at=timezone.now() + AGAIN)
    return len(due)


def _delete_objects(row: DeletedReceipt) -> bool:
    """Only what is there: deleting what is not leaves a mark in a bucket that keeps versions."""
    try:
        for key in pictures.keys(Receipt(id=row.receipt_id, user_id=row.user_id)):
            if storage.exists(key):
                storage.delete(key)
                log.info("orphan_deleted", receipt=str(row.receipt_id))
    except storage.StorageUnavailableError as error:
        log.warning("storage_unavailable", error=str(error))
        return False
    return True


def _forget_reading(content_sha256: str) -> bool:
    """Unless another receipt has the same image; False while OpenAI is being asked about it.

    Whoever sends the image in again has it read afresh, and billed once more.
    """
    if not content_sha256 or Receipt.objects.filter(content_sha256=content_sha256).exists():
        return True
    with transaction.atomic():
        if not ledger.supersede(content_sha256):
            return False
        Reading.objects.filter(content_sha256=content_sha256, extraction__isnull=False).delete()
    return True
