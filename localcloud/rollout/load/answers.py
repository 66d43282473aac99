"""Single answers, and what they come to second by second."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One request through the load balancer. `at` is when it was sent (Unix time), `seconds` what it took.

    `status` is 0 and `error` says why when there was no answer; `release` is the one that answered, empty when none
    did or none was named.
    """

    at: float
    action: str
    status: int
    good: bool
    seconds: float
    release: str = ""
    error: str = ""

    @property
    def ended(self) -> float:
        return self.at + self.seconds


@dataclass(frozen=True, kw_only=True)
class Second:
    """What came back within one second: `at` is its beginning. Percentiles in seconds, None without an answer."""

    at: int
    count: int = 0
    failed: int = 0
    releases: dict[str, int] = field(default_factory=dict)
    p50: float | None = None
    p99: float | None = None


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def by_second(answers: Iterable[Answer], *, window: int = 1) -> list[Second]:
    """Every second from the first to the last answer; percentiles are over the `window` seconds that end with it."""
    seconds: dict[int, list[Answer]] = defaultdict(list)
    for answer in answers:
        seconds[int(answer.ended)].append(answer)
    if not seconds:
        return []
    found = []
    for at in range(min(seconds), max(seconds) + 1):
        here = seconds.get(at, [])
        times = [answer.seconds for past in range(at - window + 1, at + 1) for answer in seconds.get(past, [])]
        found.append(
            Second(
                at=at,
                count=len(here),
                failed=sum(not answer.good for answer in here),
                releases=dict(Counter(answer.release for answer in here)),
                p50=percentile(times, 0.5),
                p99=percentile(times, 0.99),
            )
        )
    return found
