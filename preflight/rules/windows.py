"""Daily and weekly windows as RDS and ElastiCache write them, in minutes of the week (UTC)."""

from __future__ import annotations

import re
from dataclasses import dataclass

DAY = 24 * 60
WEEK = 7 * DAY

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = r"([01]\d|2[0-3]):([0-5]\d)"
_DAILY = re.compile(rf"{_TIME}-{_TIME}")
_WEEKLY = re.compile(rf"({'|'.join(_DAYS)}):{_TIME}-({'|'.join(_DAYS)}):{_TIME}")


@dataclass(frozen=True)
class Window:
    """`period` is a day or a week: how often the window comes back."""

    start: int
    minutes: int
    period: int

    def overlaps(self, other: Window) -> bool:
        """Whether some minute is in both; that one begins where the other ends is no overlap."""
        return any(
            (theirs - ours) % WEEK < self.minutes or (ours - theirs) % WEEK < other.minutes
            for ours in range(self.start, WEEK, self.period)
            for theirs in range(other.start, WEEK, other.period)
        )


def daily(written: str) -> Window | None:
    """`03:00-04:00`; None where it has another form."""
    match = _DAILY.fullmatch(written)
    if match is None:
        return None
    start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    return Window(start, (end - start) % DAY, DAY)


def weekly(written: str) -> Window | None:
    """`sun:05:00-sun:06:00`; None where it has another form."""
    match = _WEEKLY.fullmatch(written.lower())
    if match is None:
        return None
    start = _DAYS.index(match[1]) * DAY + int(match[2]) * 60 + int(match[3])
    end = _DAYS.index(match[4]) * DAY + int(match[5]) * 60 + int(match[6])
    return Window(start, (end - start) % WEEK, WEEK)
