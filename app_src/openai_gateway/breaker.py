"""A circuit breaker for OpenAI, one for all workers: while it is open nobody asks, then exactly one tries."""

from __future__ import annotations

from typing import Literal

from openai_gateway import shared

WINDOW_SECONDS = 60
LEAST_CALLS = 10
"""Fewer calls than this within the window say nothing."""

FAILED_PERCENT = 50
SLOW_PERCENT = 60
SLOW_SECONDS = 15.0
PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 600.0
PROBE_SECONDS = 75.0
"""Whoever tries has an answer, or is dead, by then (`openai_engine.DEADLINE_SECONDS` and one time-out more)."""

State = Literal["closed", "half_open", "open"]
_STATES: tuple[State, ...] = ("closed", "half_open", "open")
_KEYS = ("breaker:state", "breaker:recent")


def allow(call_id: str) -> float:
    """0.0 when this call may go, as the one that tries perhaps; else seconds until asking again may help.

    Whoever may go says how it went: `record`, or `forget` when nothing was sent. Raises redis.RedisError, as all here.
    """
    return _run("allow", call_id, round(PROBE_SECONDS * 1000)) / 1000


def record(call_id: str, *, failed: bool, seconds: float) -> State:
    """How a call ended; the breaker's state after it."""
    limits = (
        LEAST_CALLS,
        FAILED_PERCENT,
        SLOW_PERCENT,
        round(PAUSE_SECONDS * 1000),
        round(LONGEST_PAUSE_SECONDS * 1000),
    )
    slow = seconds >= SLOW_SECONDS
    return _STATES[_run("record", call_id, int(failed), int(slow), WINDOW_SECONDS * 1000, *limits)]


def forget(call_id: str) -> None:
    """The call was not sent."""
    _run("forget", call_id)


def trip(call_id: str, *, seconds: float = LONGEST_PAUSE_SECONDS) -> None:
    """Open at once: OpenAI takes none of our calls."""
    _run("trip", call_id, round(seconds * 1000))


def state() -> State:
    return _STATES[_run("look", "")]


def _run(action: str, *arguments: str | int) -> int:
    return shared.run("breaker", keys=_KEYS, arguments=[action, *arguments])
