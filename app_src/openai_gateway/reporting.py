"""What OpenAI does for us, in metrics and log lines. No picture, no key and no text of a receipt is in either."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import redis
import structlog
from django.db.models import Q, Sum

from extraction.openai_answer import Answered
from extraction.openai_engine import CallFailedError
from openai_gateway import breaker
from openai_gateway.breaker import State
from openai_gateway.models import Call, Day
from spendsmart.metrics import Metric, publish

log = structlog.get_logger(__name__)


def answered(call: Call, found: Answered, *, price: Decimal, request_id: str, seconds: float | None = None) -> None:
    """A call that was answered and billed: its outcome, tokens, dollars and, but in a batch, seconds."""
    usage = found.usage
    _ended(call, found.outcome, seconds=seconds)
    tokens = {"Input": usage.input - usage.cached, "CachedInput": usage.cached, "Output": usage.output}
    for kind, count in tokens.items():
        publish(Metric("OpenAITokens", count), dimensions={"Kind": kind})
    publish(Metric("OpenAICost", float(price), "None"))
    log.info(
        "openai_answered", call=str(call.id), request=request_id, model=call.model, purpose=call.purpose,
        outcome=found.outcome, seconds=None if seconds is None else round(seconds, 3), dollars=float(price),
        input=usage.input, cached=usage.cached, output=usage.output,
    )  # fmt: skip


def failed(call: Call, error: CallFailedError) -> None:
    """A call without an answer."""
    _ended(call, error.outcome)
    publish(OpenAIFailures=1)
    log.warning(
        "openai_failed", call=str(call.id), request=error.headers.get("x-request-id", ""), model=call.model,
        purpose=call.purpose, outcome=error.outcome, cost=str(error.cost), retry_after=error.retry_after,
    )  # fmt: skip


def waits(seconds: float) -> None:
    """Somebody was sent back by the limiter."""
    publish(Metric("OpenAIWaits", 1), Metric("OpenAIWaitSeconds", seconds, "Seconds"))


def looked_up(*, hit: bool) -> None:
    """An image with the same bytes was read before, or not."""
    publish(OpenAICacheHits=float(hit), OpenAICacheMisses=float(not hit))


def breaker_is(state: State) -> None:
    """1 while nobody may ask."""
    publish(OpenAIBreakerOpen=float(state != "closed"))


def today() -> None:
    """How things stand, said by every sweep: whether the breaker is open, and the dollars of day and month (UTC)."""
    day = datetime.now(tz=UTC).date()
    month = Day.objects.filter(day__gte=day.replace(day=1), day__lte=day)
    spent = month.aggregate(today=Sum("spent", filter=Q(day=day)), month=Sum("spent"))
    publish(
        Metric("OpenAISpentToday", float(spent["today"] or 0), "None"),
        Metric("OpenAISpentThisMonth", float(spent["month"] or 0), "None"),
    )
    try:
        breaker_is(breaker.state())
    except redis.RedisError as error:
        log.warning("openai_breaker_unknown", error=str(error))


def _ended(call: Call, outcome: str, *, seconds: float | None = None) -> None:
    took = [] if seconds is None else [Metric("OpenAISeconds", seconds, "Seconds")]
    publish(Metric("OpenAICalls", 1), *took, dimensions={"Outcome": outcome}, total=True)
    if call.purpose == "escalation":
        publish(OpenAIEscalations=1)
