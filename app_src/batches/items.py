"""How a receipt gets into a batch and out of it again.

A batch only fills the store of readings. The receipt goes back to the queue, and whoever reads it there finds the
answer by the image's hash: there is one way to check and keep an answer, wherever it came from.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from batches.models import Batch, Item, ItemState
from extraction import Extraction
from extraction.local import read_page
from extraction.openai_answer import Answered
from extraction.page import Page
from extraction.verified import verified
from openai_gateway import gateway, ledger, reporting
from receipts import readings, tasks
from receipts.models import Receipt
from receipts.states import State, move

MAX_RETURNS = 2
"""A receipt that came back unanswered from so many batches is asked for by itself."""

AT_ONCE = 500
_OPEN = (ItemState.WAITING, ItemState.ASKED)

log = structlog.get_logger(__name__)


def wanted(receipt: Receipt, digest: str) -> bool:
    """Whether this receipt can wait for half the price: it came in bulk, or has waited so long that it may as well.

    Not when OpenAI has been asked for the same image: what became of that is the answer.
    """
    patience = timedelta(minutes=settings.OPENAI_BATCH_AFTER_MINUTES)
    since = receipt.waits_since or receipt.created_at
    if receipt.bulk_upload_id is None and timezone.now() - since < patience:
        return False
    if receipt.batch_items.filter(state=ItemState.RETURNED).count() >= MAX_RETURNS:
        return False
    return ledger.standing_call(digest) is None


def brought(receipt: Receipt, digest: str) -> bool:
    """Whether a batch has answered for this receipt's image: it was asked for, and is nothing that was known before."""
    return receipt.batch_items.filter(content_sha256=digest, state=ItemState.ANSWERED).exists()


def hand_over(receipt: Receipt, digest: str) -> bool:
    """Put a receipt that is being extracted in line for the next batch; False when it was somewhere else by now."""
    with transaction.atomic():
        # It was not an attempt: nobody was asked.
        waits = {"attempts": F("attempts") - 1, "reason": ""}
        if not move(receipt.id, source=State.EXTRACTING, target=State.BATCHED, **waits):
            return False
        Item.objects.create(receipt=receipt, content_sha256=digest)
    log.info("receipt_waits_for_a_batch", receipt=str(receipt.id))
    return True


def answered(item: Item, found: Answered, *, request_id: str) -> None:
    """Keep a billed answer, settle its call and send the receipt on its way, all or nothing; a second time is none."""
    extraction = _checked(item, found.extraction)
    with transaction.atomic():
        if not _settle(item, ItemState.ANSWERED, reason=found.outcome):
            return
        if item.call:
            price = ledger.settle_billed(item.call, usage=found.usage, outcome=found.outcome, request_id=request_id)
        readings.keep(item.content_sha256, extraction.model_dump(mode="json"), engine=gateway.ENGINE)
        _queue(item)
    if item.call:
        reporting.answered(item.call, found, price=price, request_id=request_id)


def _checked(item: Item, found: Extraction) -> Extraction:
    """The answer against the text on the picture, which was recognized before the item was made."""
    stored = readings.kept(item.content_sha256, engine=readings.PAGE)
    if stored is None:
        told = ["The picture's text, to check the answer against, is not there any more."]
        return found.model_copy(update={"needs_review": told + found.needs_review})
    page = Page.from_json(stored)
    return verified(found, page=page, local=read_page(page))


def returned(item: Item, *, reason: str, in_doubt: bool = False) -> None:
    """No answer: nothing is billed for it, unless that is `in_doubt`; the receipt goes back to the queue."""
    with transaction.atomic():
        if not _settle(item, ItemState.RETURNED, reason=reason):
            return
        if item.call:
            settle = ledger.settle_in_doubt if in_doubt else ledger.settle_free
            settle(item.call, outcome=reason)
        _queue(item)


def release(batch: Batch) -> int:
    """Put the items of a batch that OpenAI never had back in line for the next one; how many."""
    with transaction.atomic():
        items = list(batch.items.filter(state=ItemState.ASKED).select_related("call"))
        for item in items:
            if item.call:
                ledger.settle_free(item.call, outcome="batch_not_made")
        return batch.items.filter(state=ItemState.ASKED).update(state=ItemState.WAITING, batch=None, call=None)


def rescue() -> int:
    """Receipts that wait for an item which is not there, or is settled, go back to the queue; how many there were."""
    theirs = Item.objects.filter(receipt=OuterRef("id"), state__in=_OPEN)
    lost = Receipt.objects.filter(~Exists(theirs), state=State.BATCHED).values_list("id", flat=True)
    found = list(lost[:AT_ONCE])
    for receipt_id in found:
        log.error("receipt_without_batch", receipt=str(receipt_id))
        tasks.enqueue(receipt_id, source=State.BATCHED, queue="bulk")
    return len(found)


def _settle(item: Item, state: ItemState, *, reason: str) -> bool:
    open_item = Item.objects.filter(id=item.id, state__in=_OPEN)
    return bool(open_item.update(state=state, reason=reason[:200], settled_at=timezone.now()))


def _queue(item: Item) -> None:
    if item.receipt_id and move(item.receipt_id, source=State.BATCHED, target=State.QUEUED, retry_at=None):
        transaction.on_commit(partial(tasks.send_or_leave, item.receipt_id, queue="bulk"))
