"""From a batch at OpenAI to readings: polled until it ends, and then each answer is kept exactly once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx2
import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db.models import Q
from django.utils import timezone

from batches import items
from batches.claims import claim, give_back
from batches.models import Batch, BatchState, ItemState
from batches.submission import delete_file
from extraction.openai_answer import Answered, MalformedAnswerError, parse
from extraction.openai_engine import classified

if TYPE_CHECKING:
    import openai
    from openai import OpenAI

POLL = timedelta(seconds=60)
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})

OVERDUE = timedelta(hours=26)
"""OpenAI ends a batch after 24 hours, answered or not. One that is late is cancelled: what it has, it then gives."""

LOST = timedelta(hours=72)
"""After this nobody waits any more; by then its files have expired."""

TRY_LATER = frozenset({"token_limit_exceeded", "rate_limit_exceeded"})
"""Codes of a batch that was refused for what else is under way."""

log = structlog.get_logger(__name__)


def poll(client: OpenAI, *, until: float) -> int:
    """Ask after every batch whose turn it is, and collect those that have ended; how many were collected.

    None is begun after `until`, of the monotonic clock.
    """
    import openai

    due = Q(polled_at=None) | Q(polled_at__lt=timezone.now() - POLL)
    collected = 0
    for batch in Batch.objects.filter(due, state=BatchState.SUBMITTED).order_by("created_at"):
        if time.monotonic() > until:
            break
        if not claim(batch):
            continue
        try:
            collected += _ask(batch, client)
        except (openai.APIError, httpx2.HTTPError) as error:  # the next turn goes on where this one broke off
            reason = str(classified(error)) if isinstance(error, openai.APIError) else type(error).__name__
            log.warning("batch_unknown", batch=str(batch.id), reason=reason)
        except SoftTimeLimitExceeded:
            raise
        except Exception:  # whatever is odd about one batch, the others are collected
            log.exception("batch_broke_the_collection", batch=str(batch.id))
        finally:
            Batch.objects.filter(id=batch.id).update(polled_at=timezone.now())
            give_back(batch)
    return collected


def lose_overdue(*, reason: str) -> int:
    """Give up batches that nobody can ask after any more, once OpenAI must have ended them; how many."""
    found = list(Batch.objects.filter(state=BatchState.SUBMITTED, created_at__lt=timezone.now() - OVERDUE))
    for batch in found:
        _lose(batch, reason)
    return len(found)


def _ask(batch: Batch, client: OpenAI) -> bool:
    import openai

    age = timezone.now() - batch.created_at
    try:
        remote = client.batches.retrieve(batch.remote_id)
    except openai.NotFoundError:
        _lose(batch, "OpenAI does not know it any more")
        return False
    Batch.objects.filter(id=batch.id).update(status=remote.status)
    if remote.status in ENDED:
        _collect(batch, remote, client)
        return True
    if age > LOST:
        _lose(batch, f"still {remote.status} after {age.total_seconds() / 3600:.0f} hours")
    elif age > OVERDUE and remote.status != "cancelling":
        client.batches.cancel(batch.remote_id)
    return False


def _collect(batch: Batch, remote: openai.types.Batch, client: OpenAI) -> None:
    """Idempotent: broken off anywhere, it is done again from the start and changes nothing twice."""
    unreadable = 0
    files = [file for file in (remote.output_file_id, remote.error_file_id) if file]
    for file in files:
        unreadable += sum(not _take(batch, line) for line in _lines(file, client))
    reason = remote.status
    if remote.status == "failed" and remote.errors and remote.errors.data:
        reason = remote.errors.data[0].code or reason
    if reason in TRY_LATER:
        items.release(batch)
    # Only what was answered is billed. But an answer may hide in a line that could not be read.
    for item in batch.items.filter(state=ItemState.ASKED).select_related("call"):
        items.returned(item, reason=f"batch_{reason}", in_doubt=bool(unreadable))
    ended = BatchState.FAILED if remote.status == "failed" else BatchState.COLLECTED
    Batch.objects.filter(id=batch.id).update(
        state=ended, reason=reason if ended == BatchState.FAILED else "", ended_at=timezone.now()
    )
    log.info("batch_collected", batch=str(batch.id), status=remote.status, unreadable_lines=unreadable)
    for file in [batch.input_file_id, *files]:
        delete_file(file, client)


def _take(batch: Batch, line: str) -> bool:
    """Settle the item that a line is about; False when the line cannot be read."""
    try:
        told = json.loads(line)
        item = batch.items.select_related("call").filter(id=UUID(told["custom_id"])).first()
        outcome = _outcome(told)
    except (ValueError, KeyError, TypeError, AttributeError, MalformedAnswerError):
        log.warning("batch_line_unreadable", batch=str(batch.id))
        return False
    if item is None or item.state != ItemState.ASKED:
        return True
    if isinstance(outcome, Answered):
        items.answered(item, outcome, request_id=(told["response"].get("request_id") or ""))
    else:
        items.returned(item, reason=outcome)
    return True


def _outcome(told: dict[str, Any]) -> Answered | str:
    """The answer, or why there is none."""
    response = told.get("response")
    if response and response["status_code"] == 200:
        return parse(response["body"])
    if response:
        return f"http_{response['status_code']}"
    return str((told.get("error") or {}).get("code") or "no_answer")


def _lines(file_id: str, client: OpenAI) -> Iterator[str]:
    with client.files.with_streaming_response.content(file_id) as content:
        for line in content.iter_lines():
            if line.strip():
                yield line


def _lose(batch: Batch, reason: str) -> None:
    """Nobody knows what was answered and billed: its receipts are read without OpenAI."""
    for item in batch.items.filter(state=ItemState.ASKED).select_related("call"):
        items.returned(item, reason="batch_lost", in_doubt=True)
    Batch.objects.filter(id=batch.id).update(state=BatchState.FAILED, reason=reason[:500], ended_at=timezone.now())
    log.error("batch_lost", batch=str(batch.id), remote=batch.remote_id, reason=reason)
