"""OpenAI's two limits, requests and tokens a minute, kept by all workers together and shared fairly between users.

Whoever may not go now waits: `acquire` says how long. Within any WINDOW no more than the configured numbers are sent:
it is a little longer than a minute, because a request takes a moment from here to there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from openai_gateway import shared
from openai_gateway.models import Call

WINDOW = timedelta(seconds=62)

PATIENCE = timedelta(seconds=120)
"""Somebody who waits and is this late has gone: nothing is kept free for them any longer."""

LONGEST_HOLD = 600.0
DEFAULT_HOLD = 5.0
"""Seconds, after a 429 that does not say."""

NEVER_SENT = ("unreachable", "withdrawn")
"""Outcomes of calls that OpenAI never saw."""

_KEYS = ("limit:grants", "limit:calls", "limit:totals", "limit:users", "limit:expiry", "limit:waiting:")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def acquire(call_id: str, *, user: int | None, waiter: str, tokens: int) -> float:
    """0.0 when this call may be sent now, else the seconds after which to ask again.

    `tokens` is an upper bound, to be corrected by `correct`. `waiter` is what stays the same from one try to the next.
    A user who has had their share of the minute stands back while others wait for theirs.
    Raises redis.RedisError.
    """
    most = (settings.OPENAI_REQUESTS_PER_MINUTE, settings.OPENAI_TOKENS_PER_MINUTE)
    arguments = (call_id, str(user or "-"), waiter, tokens, *most, _milliseconds(WINDOW), _milliseconds(PATIENCE))
    wait = _run("acquire", *arguments)
    if wait < 0:
        _fill()
        wait = _run("acquire", *arguments)
    return wait / 1000 if wait >= 0 else DEFAULT_HOLD


def stamp(call_id: str) -> bool:
    """Said right before sending, once the call is in the ledger. False: the grant is lost, and it must not be sent."""
    return _run("stamp", call_id) == 1


def correct(call_id: str, *, tokens: int) -> None:
    """What the call took in the end."""
    _run("correct", call_id, tokens)


def forget(call_id: str) -> None:
    """The call was not sent: its place is free for another."""
    _run("forget", call_id)


def hold(seconds: float) -> None:
    """Nobody sends anything for so long, LONGEST_HOLD at most."""
    _run("hold", round(min(seconds, LONGEST_HOLD) * 1000))


def heed(headers: Mapping[str, str], *, tokens: int) -> None:
    """Wait for as long as OpenAI needs to have room for another call like this one, by its own account.

    Others may use the same account. https://developers.openai.com/api/docs/guides/rate-limits#headers
    """
    pauses = [
        pause
        for kind, needed in (("requests", 1), ("tokens", tokens))
        if (pause := _until_room(headers, kind=kind, needed=needed))
    ]
    if pauses:
        hold(max(pauses))


def _until_room(headers: Mapping[str, str], *, kind: str, needed: int) -> float:
    try:
        remaining = int(headers[f"x-ratelimit-remaining-{kind}"])
        limit = int(headers[f"x-ratelimit-limit-{kind}"])
        full_in = seconds_of(headers[f"x-ratelimit-reset-{kind}"])
    except (KeyError, ValueError):
        return 0.0
    missing = min(needed, limit) - remaining
    # `reset` is when all of the limit is free again; it comes back evenly until then.
    return min(full_in, missing * 60 / limit) if missing > 0 and limit > 0 else 0.0


def seconds_of(span: str) -> float:
    """Seconds of OpenAI's notation: `20ms`, `1s`, `6m0s`. Raises ValueError."""
    parts = _SPAN.findall(span)
    if not parts or "".join(number + unit for number, unit in parts) != span:
        raise ValueError(span)
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _fill() -> None:
    """The server was emptied: what the last minute took is in the ledger."""
    now = timezone.now()
    sent = Call.objects.filter(sent_at__gt=now - WINDOW).exclude(outcome__in=NEVER_SENT).exclude(purpose="batch")
    arguments: list[str | int] = []
    for call in sent:
        tokens = call.reserved_tokens if call.input_tokens is None else call.input_tokens + (call.output_tokens or 0)
        # It was sent a moment after it was written down.
        age = max(0, _milliseconds(now - call.sent_at) - 1000)
        arguments += [str(call.id), str(call.user_id or "-"), tokens, age]
    _run("fill", *arguments)


def _run(action: str, *arguments: str | int) -> int:
    return shared.run("limiter", keys=_KEYS, arguments=[action, *arguments])


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
