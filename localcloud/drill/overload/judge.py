"""What an overload came to, and whether that will do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from localcloud.drill.overload.flood import Answers
from localcloud.rollout.load.answers import Answer, percentile

RECOVERY_SECONDS = 30.0
"""Within which everybody must be served as before: a queue of seconds, and a health check's intervals."""

LEAST_OFFERED_PERCENT = 80.0
"""Of what was to be asked for in a second: with less the platform was slow, but hardly overloaded."""

CALM_SECONDS = 5
"""Served as before means for so long, without a failure."""

MOST_LOST_PERCENT = 1.0
"""Of the flood's requests that may get no answer or a rude one: connections that the load balancer cut. Answers 500 may
be none at all."""


@dataclass(frozen=True, kw_only=True)
class People:
    """How the people fared that came before the flood and stayed: in its time and outside of it."""

    requests: int
    served: int
    refused: int
    failed: int
    p50: float | None
    p95: float | None

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> People:
        served = [answer for answer in answers if answer.good]
        refused = sum(answer.status in (429, 503) for answer in answers)
        seconds = [answer.seconds for answer in served]
        return cls(
            requests=len(answers),
            served=len(served),
            refused=refused,
            failed=len(answers) - len(served) - refused,
            p50=percentile(seconds, 0.5),
            p95=percentile(seconds, 0.95),
        )


@dataclass(frozen=True, kw_only=True)
class Overload:
    """`capacity`, `rate`, `meant` and `offered` in requests per second: what was answered at most, what people ask for
    normally, what the flood was to be and what it was.
    `recovery` in seconds from the end of the flood, None when there was none. `receipts` by what became of them."""

    capacity: float
    rate: float
    meant: float
    offered: float
    before: People
    during: People
    flood: Answers
    recovery: float | None
    receipts: Counter[str]
    unread: int

    def faults(self) -> Iterator[str]:
        """In words, what does not hold."""
        if self.flood.good < 1 or self.during.served < 1:
            yield "nobody was served during the overload"
        if self.flood.later < 1:
            yield "nobody had to be refused: this was no overload"
        if self.offered < self.meant * LEAST_OFFERED_PERCENT / 100:
            yield f"{self.offered:.0f} requests a second were sent, {self.meant:.0f} were to be: this was no overload"
        if errors := self.flood.statuses[500]:
            yield f"{errors} answers 500"
        if self.flood.rude > self.flood.total * MOST_LOST_PERCENT / 100:
            yield (
                f"{self.flood.rude} of {self.flood.total} requests were neither served nor told when to come back; "
                f"{MOST_LOST_PERCENT:g} % may be"
            )
        if self.unread:
            yield f"{self.unread} acknowledged receipts were not read"
        if not self.receipts:
            yield "no receipt was acknowledged: nothing could have been lost"
        if self.recovery is None or self.recovery > RECOVERY_SECONDS:
            took = "never" if self.recovery is None else f"after {self.recovery:.0f} s"
            yield f"people were served as before {took}; within {RECOVERY_SECONDS:.0f} s they must be"


def recovery(answers: Sequence[Answer], *, ended: float) -> float | None:
    """Seconds from `ended` (Unix time) until nothing failed for `CALM_SECONDS`; None when that did not come.

    Answers are those to people, over the flood and after it; what was sent before its end counts where it ended later.
    """
    later = sorted((answer for answer in answers if answer.ended >= ended), key=lambda answer: answer.ended)
    if not later:
        return None
    calm_since = ended
    for answer in later:
        if not answer.good:
            calm_since = answer.ended
    return calm_since - ended if later[-1].ended - calm_since >= CALM_SECONDS else None
