"""Reserve before sending, settle afterwards: together all workers never spend more than the day's budget."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Sum
from django.utils import timezone

from extraction.openai_answer import Usage
from openai_gateway.models import COSTLY, Call, CallState, Day, Purpose
from openai_gateway.prices import price_of

NEVER_LONGER = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT + 10)
"""No task lives this long: an older call that is still `sent` belongs to a dead worker. Batches have their own time."""


class OverBudgetError(Exception):
    """The day's budget has no room for this call, or its escalations are used up."""


class AskedBeforeError(Exception):
    """OpenAI was asked to read this image before, and may have billed it: `call` says how that went."""

    def __init__(self, call: Call) -> None:
        super().__init__(str(call))
        self.call = call


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is about to be asked, and what it may take at most."""

    content_sha256: str
    model: str
    purpose: Purpose
    input_tokens: int
    output_tokens: int
    receipt_id: UUID | None
    user_id: UUID | None
    id: UUID = field(default_factory=uuid4)

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


def open_call(request: Request) -> Call:
    """Write the call down as `sent`, with its upper bound reserved in the day's budget. Send it after that alone.

    Raises OverBudgetError, AskedBeforeError, UnknownPriceError.
    """
    now = timezone.now()
    today = now.astimezone(UTC).date()
    batch = request.purpose == Purpose.BATCH
    bound = price_of(request.model, day=today, batch=batch).at_most(
        input_tokens=request.input_tokens, output_tokens=request.output_tokens
    )
    try:
        with transaction.atomic():
            call = Call.objects.create(
                id=request.id,
                receipt_id=request.receipt_id, user_id=request.user_id, content_sha256=request.content_sha256,
                model=request.model, purpose=request.purpose, reserved_tokens=request.tokens, price=bound,
                day=today, sent_at=now,
            )  # fmt: skip
            _reserve(today, bound, request.purpose)
    except IntegrityError:
        before = standing_call(request.content_sha256, escalation=request.purpose == Purpose.ESCALATION)
        if before is None:
            raise
        raise AskedBeforeError(before) from None
    return call


def _reserve(today: date, bound: Decimal, purpose: Purpose) -> None:
    Day.objects.bulk_create([Day(day=today)], ignore_conflicts=True)
    day = Day.objects.filter(day=today, spent__lte=Decimal(settings.OPENAI_DAILY_BUDGET_USD) - bound)
    if purpose == Purpose.ESCALATION:
        allowed = F("readings") * settings.OPENAI_ESCALATION_PERCENT
        taken = day.annotate(percent=(F("escalations") + 1) * 100).filter(percent__lte=allowed)
        reserved = taken.update(spent=F("spent") + bound, escalations=F("escalations") + 1)
    else:
        reserved = day.update(spent=F("spent") + bound, readings=F("readings") + 1)
    if not reserved:
        raise OverBudgetError(f"{purpose} for at most ${bound} on {today}")


def standing_call(content_sha256: str, *, escalation: bool = False) -> Call | None:
    """The call for this image that OpenAI has billed or may have billed, and that no person has set aside."""
    purposes = [Purpose.ESCALATION] if escalation else [Purpose.READ, Purpose.BATCH]
    return Call.objects.filter(
        content_sha256=content_sha256, purpose__in=purposes, state__in=COSTLY, superseded=False
    ).first()


def settle_billed(call: Call, *, usage: Usage, outcome: str, request_id: str = "") -> Decimal:
    """What OpenAI says it took is what it cost; in dollars.

    A call that was taken for lost is settled, too, when its answer turns up.
    """
    price = price_of(call.model, day=call.day, batch=call.purpose == Purpose.BATCH).of(usage)
    _settle(
        call, CallState.BILLED, price, outcome=outcome, request_id=request_id,
        input_tokens=usage.input, cached_tokens=usage.cached, cache_written_tokens=usage.cache_written,
        output_tokens=usage.output,
    )  # fmt: skip
    return price


def settle_free(call: Call, *, outcome: str, request_id: str = "") -> None:
    """It was never sent, or OpenAI refused it: nothing is billed, and the image may be asked for again."""
    _settle(call, CallState.FREE, Decimal(0), outcome=outcome, request_id=request_id)


def settle_in_doubt(call: Call, *, outcome: str, request_id: str = "") -> None:
    """Nobody knows: it goes on counting at its upper bound, and is not asked again by itself."""
    _settle(call, CallState.IN_DOUBT, None, outcome=outcome, request_id=request_id)


def _settle(
    call: Call, state: CallState, price: Decimal | None, *, outcome: str, request_id: str, **tokens: int
) -> None:
    with transaction.atomic():
        standing = Call.objects.select_for_update().filter(id=call.id).first()
        if standing is None or standing.state in (CallState.BILLED, CallState.FREE):
            return  # settled before: a bill is not written twice
        counted = standing.price if price is None else price
        Call.objects.filter(id=call.id).update(
            state=state, price=counted, outcome=outcome[:32], request_id=request_id[:128],
            settled_at=timezone.now(), **tokens,
        )  # fmt: skip
        # A call that cost nothing was no reading either.
        escalation = standing.purpose == Purpose.ESCALATION
        counts = {} if state != CallState.FREE else (
            {"escalations": F("escalations") - 1} if escalation else {"readings": F("readings") - 1}
        )  # fmt: skip
        Day.objects.filter(day=standing.day).update(spent=F("spent") + counted - standing.price, **counts)


def settle_abandoned(*, now: datetime | None = None) -> int:
    """Calls that dead workers have left behind are in doubt; how many there were."""
    dead = Call.objects.filter(state=CallState.SENT, sent_at__lt=(now or timezone.now()) - NEVER_LONGER)
    calls = list(dead.exclude(purpose=Purpose.BATCH).order_by("sent_at")[:500])
    for call in calls:
        settle_in_doubt(call, outcome="worker_died")
    return len(calls)


def is_abandoned(call: Call) -> bool:
    return (
        call.state == CallState.SENT and call.purpose != Purpose.BATCH and call.sent_at < timezone.now() - NEVER_LONGER
    )


def failures(content_sha256: str, *, within: timedelta) -> int:
    """Calls for this image that OpenAI failed at without a bill; that its limits were used up is no failure."""
    free = Call.objects.filter(content_sha256=content_sha256, state=CallState.FREE, superseded=False)
    return free.filter(sent_at__gt=timezone.now() - within).exclude(outcome__in=("withdrawn", "http_429")).count()


def supersede(content_sha256: str) -> bool:
    """A person asks for a fresh reading of this image, and knows that it may be billed once more.

    False, and nothing is changed, while a call for it is on its way.
    """
    with transaction.atomic():
        standing = list(Call.objects.select_for_update().filter(content_sha256=content_sha256, superseded=False))
        if any(call.state == CallState.SENT and not is_abandoned(call) for call in standing):
            return False
        # These alone: one that is sent this very moment is not set aside.
        Call.objects.filter(id__in=[call.id for call in standing]).update(superseded=True)
    return True


def rereadings(content_sha256: str, *, within: timedelta) -> int:
    """How often people asked for a fresh reading of this image."""
    set_aside = Call.objects.filter(content_sha256=content_sha256, superseded=True, state__in=COSTLY)
    return set_aside.filter(sent_at__gt=timezone.now() - within).exclude(purpose=Purpose.ESCALATION).count()


def spent_on(day: date, *, user_id: UUID | None = None) -> Decimal:
    """Dollars of one day (UTC), of everybody or of one user, from the calls themselves."""
    calls = Call.objects.filter(day=day)
    if user_id is not None:
        calls = calls.filter(user_id=user_id)
    return calls.aggregate(spent=Sum("price"))["spent"] or Decimal(0)
