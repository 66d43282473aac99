"""The one way to OpenAI: breaker, limiter, ledger, one request, and each of them told how it went.

A call that was sent is billed at most once, and is never sent again by itself (docs/adr/0010-billed-at-most-once.md).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import redis
import structlog
from django.conf import settings
from django.db import transaction
from PIL import Image

from extraction import Extraction, NotYetError, RetryableExtractionError, openai_answer
from extraction.openai_engine import CallFailedError, Cost, Reply, client, send
from extraction.openai_request import MAX_OUTPUT_TOKENS, input_tokens_at_most, request_body
from extraction.page import Page
from extraction.verified import better, verified
from openai_gateway import breaker, ledger, limiter, reporting
from openai_gateway.models import Call, CallState, Purpose

ENGINE = openai_answer.ENGINE

Reason = Literal["breaker_open", "budget", "in_doubt", "unavailable", "refused_request", "unusable_answer"]

TRIES = 3
"""Calls that OpenAI refused to answer, within TRIED; then the embedded reader reads the receipt meanwhile."""

TRIED = timedelta(hours=1)
REREAD_AFTER = timedelta(minutes=15)
LATER_SECONDS = 10.0
BATCH_LATER_SECONDS = 300.0
"""For whoever shows an image that is in a batch, which takes up to a day."""

log = structlog.get_logger(__name__)


class FallbackError(Exception):
    """OpenAI does not read this receipt now: the embedded reader shall.

    Attributes:
        reason: Kept on the receipt.
        reread_in: When OpenAI may be asked again without anybody's doing; None for never.
        told: A reason for a person to look; None where nothing speaks against the embedded reader's result.
    """

    def __init__(self, reason: Reason, *, reread_in: timedelta | None = None, told: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.reread_in, self.told = reason, reread_in, told


@dataclass(frozen=True, kw_only=True)
class Question:
    """One picture to be read, and what is known of it: its text, and what the embedded reader made of that."""

    photo: Image.Image
    content_sha256: str
    page: Page
    local: Extraction
    receipt_id: uuid.UUID
    user_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    purpose: Purpose
    model: str
    effort: Literal["none", "low"]


def read(question: Question, *, keep: Callable[[Extraction], None]) -> Extraction:
    """OpenAI's reading, checked against the picture's text, and by the stronger model where the checks fail.

    `keep` is called within the transaction that settles the bill, so that what was paid for is never lost; again when
    a second opinion is better.

    Raises:
        NotYetError: Others have their turn first.
        RetryableExtractionError: OpenAI failed, and billed nothing.
        FallbackError: The embedded reader shall read it.
    """
    first = _Attempt(purpose=Purpose.READ, model=settings.OPENAI_MODEL, effort="none")
    found, useful = _ask(question, first, keep=keep)
    if not useful or not found.needs_review or settings.OPENAI_STRONG_MODEL == settings.OPENAI_MODEL:
        return found
    second = _Attempt(purpose=Purpose.ESCALATION, model=settings.OPENAI_STRONG_MODEL, effort="low")
    try:
        return _ask(question, second, keep=keep, instead_of=found)[0]
    except (RetryableExtractionError, FallbackError) as error:
        log.info("openai_not_escalated", why=str(error))
        return found


def _ask(
    question: Question,
    attempt: _Attempt,
    *,
    keep: Callable[[Extraction], None],
    instead_of: Extraction | None = None,
) -> tuple[Extraction, bool]:
    """The better of this answer and `instead_of`, and whether a stronger model could do better still."""
    call = _admitted(question, attempt)
    name = str(call.id)
    to = client(api_key=settings.OPENAI_API_KEY or "", base_url=settings.OPENAI_BASE_URL)
    try:
        body = request_body(question.photo, model=attempt.model, effort=attempt.effort)
        _stamp(name)
    except BaseException:
        _withdraw(call)
        raise
    try:
        reply = send(body, to=to, call_id=name)
        answered = reply.answered
        found = verified(answered.extraction, page=question.page, local=question.local)
    except CallFailedError as failed:
        raise _settled(call, failed) from failed
    except BaseException:  # the task's time is up, or worse
        ledger.settle_in_doubt(call, outcome="interrupted")
        raise
    if instead_of is not None:
        found = better(instead_of, found)
    with transaction.atomic():
        price = ledger.settle_billed(call, usage=answered.usage, outcome=answered.outcome, request_id=reply.request_id)
        keep(found)
    _tell_success(call, reply)
    reporting.answered(call, answered, price=price, request_id=reply.request_id, seconds=reply.seconds)
    return found, answered.outcome in ("answered", "invalid")


def _admitted(question: Question, attempt: _Attempt) -> Call:
    """A call that may be sent, written down as sent. Raises what `read` raises."""
    escalation = attempt.purpose == Purpose.ESCALATION
    if before := ledger.standing_call(question.content_sha256, escalation=escalation):
        raise _asked_before(before)
    request = ledger.Request(
        id=uuid.uuid4(), content_sha256=question.content_sha256, model=attempt.model, purpose=attempt.purpose,
        input_tokens=input_tokens_at_most(question.photo), output_tokens=MAX_OUTPUT_TOKENS,
        receipt_id=question.receipt_id, user_id=question.user_id,
    )  # fmt: skip
    name = str(request.id)
    try:
        if pause := breaker.allow(name):
            raise FallbackError("breaker_open", reread_in=max(REREAD_AFTER, timedelta(seconds=pause)))
        return _within_limits(request)
    except redis.RedisError as error:
        raise NotYetError("The limits cannot be looked up.", retry_after=LATER_SECONDS) from error
    except (NotYetError, FallbackError) as error:
        with suppress(redis.RedisError):
            breaker.forget(name)
            if escalation or isinstance(error, FallbackError):  # it will not come back
                limiter.leave(user=request.user_id, waiter=_waiter(request))
        raise


def _within_limits(request: ledger.Request) -> Call:
    name = str(request.id)
    wait = limiter.acquire(name, user=request.user_id, waiter=_waiter(request), tokens=request.tokens)
    if wait:
        reporting.waits(wait)
        raise NotYetError("OpenAI's limits are used up.", retry_after=wait)
    try:
        return ledger.open_call(request)
    except ledger.OverBudgetError as error:
        limiter.forget(name)
        raise FallbackError("budget") from error
    except ledger.AskedBeforeError as error:
        limiter.forget(name)
        raise _asked_before(error.call) from error


def _waiter(request: ledger.Request) -> str:
    """What the limiter knows a receipt by, from one try to the next."""
    return f"{request.content_sha256[:16]}-{request.purpose}"


def _stamp(name: str) -> None:
    """It is sent now: the limiter counts from here. Raises NotYetError when the grant was lost meanwhile."""
    try:
        stamped = limiter.stamp(name)
    except redis.RedisError as error:
        raise NotYetError("The limits cannot be looked up.", retry_after=LATER_SECONDS) from error
    if not stamped:
        raise NotYetError("The limits were forgotten just now.", retry_after=1.0)


def _withdraw(call: Call) -> None:
    """It was written down and never sent."""
    ledger.settle_free(call, outcome="withdrawn")
    with suppress(redis.RedisError):
        limiter.forget(str(call.id))
        breaker.forget(str(call.id))


def _asked_before(call: Call) -> NotYetError | FallbackError:
    if call.state == CallState.SENT and not ledger.is_abandoned(call):
        pause = BATCH_LATER_SECONDS if call.purpose == Purpose.BATCH else LATER_SECONDS
        return NotYetError("The same image is being read.", retry_after=pause)
    if call.state == CallState.SENT:
        ledger.settle_in_doubt(call, outcome="worker_died")
    return _in_doubt()


def _in_doubt() -> FallbackError:
    told = "OpenAI's answer was lost, and may have been billed: the embedded reader read the picture instead."
    return FallbackError("in_doubt", told=told)


def _settled(call: Call, failed: CallFailedError) -> Exception:
    """Write down what a failure costs, tell the others, and say what is to be done."""
    name, request_id = str(call.id), failed.headers.get("x-request-id", "")
    if failed.cost == Cost.IN_DOUBT:
        ledger.settle_in_doubt(call, outcome=failed.outcome, request_id=request_id)
    else:
        ledger.settle_free(call, outcome=failed.outcome, request_id=request_id)
    limited = failed.outcome == "http_429" and not failed.shut
    reporting.failed(call, failed)
    try:
        _tell_failure(name, failed, limited=limited)
    except redis.RedisError as error:
        log.warning("openai_limits_unknown", error=str(error))
    if failed.cost == Cost.IN_DOUBT:
        return _in_doubt()
    if limited:
        return NotYetError(str(failed), retry_after=failed.retry_after or limiter.DEFAULT_HOLD)
    if failed.shut or (failed.again and ledger.failures(call.content_sha256, within=TRIED) >= TRIES):
        return FallbackError("unavailable", reread_in=REREAD_AFTER)
    if failed.again:
        return RetryableExtractionError(str(failed), retry_after=failed.retry_after)
    return FallbackError("refused_request", told=f"{failed}: the embedded reader read the picture instead.")


def _tell_failure(name: str, failed: CallFailedError, *, limited: bool) -> None:
    if failed.cost == Cost.NOT_SENT:
        limiter.forget(name)
    if limited or failed.retry_after:
        limiter.hold(failed.retry_after or limiter.DEFAULT_HOLD)
    if failed.shut:
        breaker.trip(name)
    elif limited or not failed.again:  # our limits and our mistakes say nothing of OpenAI's health
        breaker.forget(name)
    else:
        reporting.breaker_is(breaker.record(name, failed=True, seconds=0.0))


def _tell_success(call: Call, reply: Reply) -> None:
    usage = reply.answered.usage
    try:
        limiter.correct(str(call.id), tokens=usage.input + usage.output)
        limiter.heed(reply.headers, tokens=call.reserved_tokens)
        reporting.breaker_is(breaker.record(str(call.id), failed=False, seconds=reply.seconds))
    except redis.RedisError as error:
        log.warning("openai_limits_unknown", error=str(error))
