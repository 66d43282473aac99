"""From receipts in line to a batch at OpenAI.

Each call is in the ledger before anything is sent. A run that dies in the middle leaves a batch that is `forming`:
the next run looks for it at OpenAI by its metadata, and goes on with it or takes it apart.
"""

from __future__ import annotations

import itertools
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from batches import items
from batches.claims import LEASE, claim
from batches.models import Batch, BatchState, Item, ItemState
from extraction import RejectedImageError
from extraction.images import open_photo
from extraction.openai_engine import CallFailedError, Cost, classified
from extraction.openai_request import ENDPOINT, MAX_OUTPUT_TOKENS, input_tokens_at_most, request_body
from extraction.page import PHOTO_SIDE
from openai_gateway import ledger
from openai_gateway.models import Purpose
from receipts import readings, storage
from receipts.models import Receipt

if TYPE_CHECKING:
    import openai
    from openai import OpenAI

MOST_ITEMS = 500
MOST_BYTES = 150_000_000
"""OpenAI takes 50,000 requests and 200 MB: https://developers.openai.com/api/docs/guides/batch"""

GATHER = timedelta(minutes=2)
"""The oldest receipt waits at most so long for others to come along, or until there are MOST_ITEMS."""

EXPIRY = {"anchor": "created_at", "seconds": 3 * 24 * 3600}
"""OpenAI deletes our files by itself, should we never come to it."""

METADATA = "spendsmart_batch"
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)

log = structlog.get_logger(__name__)


def submit_waiting(client: OpenAI, *, until: float) -> Batch | None:
    """Send one batch of those that wait, if there is something to send and nothing speaks against it.

    What is not written by `until`, of the monotonic clock, goes into the next batch.
    """
    if time.monotonic() > until or _resting() or _forming():
        return None
    batch = _form()
    if batch is None:
        return None
    path = settings.SCRATCH_DIR / f"batch-{batch.id}.jsonl"
    try:
        if _assemble(batch, path, until=until):
            _send(batch, path, client)
        else:
            _end(batch, BatchState.COLLECTED)  # all of it was returned: there is nothing to ask
    finally:
        path.unlink(missing_ok=True)
    return batch


def recover(client: OpenAI) -> int:
    """Batches whose maker died: those that OpenAI has go on, the others are taken apart. How many there were."""
    dead = Batch.objects.filter(state=BatchState.FORMING, claimed_at__lt=timezone.now() - LEASE)
    found = [batch for batch in dead if claim(batch)]
    for batch in found:
        remote = _find(batch, client)
        if remote is None:
            _take_apart(batch, "its maker died", client)
        else:
            _submitted(batch, remote.id)
            log.warning("batch_adopted", batch=str(batch.id), remote=remote.id)
    return len(found)


def _resting() -> bool:
    """After failures, a pause that doubles."""
    latest = Batch.objects.exclude(state=BatchState.FORMING).order_by("-created_at")[:10]
    failures = list(itertools.takewhile(lambda batch: batch.state == BatchState.FAILED, latest))
    if not failures:
        return False
    pause = min(FIRST_PAUSE * 2 ** (len(failures) - 1), LONGEST_PAUSE)
    return timezone.now() < max(batch.ended_at for batch in failures if batch.ended_at) + pause


def _forming() -> bool:
    """Whether somebody is at it: one at a time, or a large pile would keep all workers from people's receipts."""
    return Batch.objects.filter(state=BatchState.FORMING, claimed_at__gte=timezone.now() - LEASE).exists()


def _form() -> Batch | None:
    waiting = Item.objects.filter(state=ItemState.WAITING).order_by("created_at")
    with transaction.atomic():
        taken = list(waiting.select_for_update(skip_locked=True)[:MOST_ITEMS])
        if not taken or (len(taken) < MOST_ITEMS and taken[0].created_at > timezone.now() - GATHER):
            return None
        batch = Batch.objects.create(model=settings.OPENAI_MODEL)
        Item.objects.filter(id__in=[item.id for item in taken]).update(state=ItemState.ASKED, batch=batch)
    return batch


def _assemble(batch: Batch, path: Path, *, until: float) -> int:
    """Write the requests; how many. What does not fit goes back in line, what cannot be asked back to the queue."""
    written = 0
    with path.open("wb") as file:
        for item in batch.items.filter(state=ItemState.ASKED).select_related("receipt").order_by("created_at"):
            if file.tell() > MOST_BYTES or time.monotonic() > until:
                Item.objects.filter(id=item.id).update(state=ItemState.WAITING, batch=None)
            else:
                written += _write(item, batch.model, file)
    return written


def _write(item: Item, model: str, file: BinaryIO) -> bool:
    if item.receipt is None:
        items.returned(item, reason="receipt_deleted")
        return False
    try:
        image = storage.read(item.receipt.key)
        if readings.digest_of(image) != item.content_sha256:  # its answer would be kept as that of the other image
            items.returned(item, reason="image_changed")
            return False
        photo = open_photo(image, longest_side=PHOTO_SIDE)
    except storage.StorageUnavailableError:
        Item.objects.filter(id=item.id).update(state=ItemState.WAITING, batch=None)
        return False
    except (storage.ObjectMissingError, RejectedImageError):
        items.returned(item, reason="no_image")
        return False
    asked = ledger.Request(
        content_sha256=item.content_sha256, model=model, purpose=Purpose.BATCH,
        input_tokens=input_tokens_at_most(photo), output_tokens=MAX_OUTPUT_TOKENS,
        receipt_id=item.receipt_id, user_id=item.receipt.user_id,
    )  # fmt: skip
    try:
        with transaction.atomic():
            call = ledger.open_call(asked)
            Item.objects.filter(id=item.id).update(call=call)
    except ledger.OverBudgetError:
        items.returned(item, reason="over_budget")
        return False
    except ledger.AskedBeforeError:
        items.returned(item, reason="asked_before")
        return False
    except IntegrityError:
        if Receipt.objects.filter(id=item.receipt_id).exists():
            raise
        items.returned(item, reason="receipt_deleted")  # this very moment
        return False
    line = {
        "custom_id": str(item.id),
        "method": "POST",
        "url": ENDPOINT,
        "body": request_body(photo, model=model),
    }
    file.write(json.dumps(line).encode() + b"\n")
    return True


def _send(batch: Batch, path: Path, client: OpenAI) -> None:
    import openai

    try:
        with path.open("rb") as file:
            uploaded = client.files.create(file=file, purpose="batch", expires_after=EXPIRY)
    except openai.APIError as error:
        # Whatever became of the file, no batch was made of it.
        _take_apart(batch, str(classified(error)), client)
        return
    Batch.objects.filter(id=batch.id).update(input_file_id=uploaded.id)
    batch.input_file_id = uploaded.id
    try:
        remote = client.batches.create(
            input_file_id=uploaded.id, endpoint=ENDPOINT, completion_window="24h",
            metadata={METADATA: str(batch.id)}, output_expires_after=EXPIRY,
        )  # fmt: skip
    except openai.APIError as error:
        failed = classified(error)
        if failed.cost == Cost.IN_DOUBT:
            log.warning("batch_in_doubt", batch=str(batch.id), error=str(failed))
            return  # still `forming`: found again by its metadata, once it must be there
        _give_up(batch, failed, client)
        return
    _submitted(batch, remote.id)
    log.info("batch_submitted", batch=str(batch.id), remote=remote.id, items=batch.items.count())


def _give_up(batch: Batch, failed: CallFailedError, client: OpenAI) -> None:
    """Refused: what may succeed later waits for it; what never will is asked for one by one."""
    if not failed.again:
        for item in batch.items.filter(state=ItemState.ASKED).select_related("call"):
            items.returned(item, reason=failed.outcome)
    _take_apart(batch, str(failed), client)


def _take_apart(batch: Batch, reason: str, client: OpenAI) -> None:
    items.release(batch)
    _end(batch, BatchState.FAILED, reason)
    log.warning("batch_failed", batch=str(batch.id), reason=reason)
    if batch.input_file_id:
        delete_file(batch.input_file_id, client)


def _submitted(batch: Batch, remote_id: str) -> None:
    now = timezone.now()
    Batch.objects.filter(id=batch.id, state=BatchState.FORMING).update(
        state=BatchState.SUBMITTED, remote_id=remote_id, submitted_at=now, claimed_at=None
    )


def _end(batch: Batch, state: BatchState, reason: str = "") -> None:
    Batch.objects.filter(id=batch.id).update(state=state, reason=reason[:500], ended_at=timezone.now(), claimed_at=None)


def _find(batch: Batch, client: OpenAI) -> openai.types.Batch | None:
    """The batch at OpenAI that carries our id; the list is newest first. Raises openai.APIError."""
    for remote in client.batches.list(limit=100):
        if (remote.metadata or {}).get(METADATA) == str(batch.id):
            return remote
        if remote.created_at < batch.created_at.timestamp() - 3600:
            break
    return None


def delete_file(file_id: str, client: OpenAI) -> None:
    """Delete a file at OpenAI; if that fails, it expires there."""
    import openai

    try:
        client.files.delete(file_id)
    except openai.APIError as error:
        log.warning("file_not_deleted", file=file_id, error=str(classified(error)))
