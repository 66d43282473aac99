"""Whether what must hold of a fault did. Pure functions of what was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from localcloud.drill.faults.client import READS
from localcloud.drill.faults.record import Attempt, Record
from localcloud.rollout.load.answers import Answer


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of one attempt, in seconds; None for what did not happen.

    `detected`: from the fault to the first sign of it, the platform's or a client's. `recovered`: from when on every
    request that was sent succeeded, 0 when none failed (one that was sent before may be waited for in vain for longer).
    `whole`: until every part of the platform was well again. `writes_back`: until the first write succeeded after
    which none was sent that failed. `reads_gone`: the longest time without a good read.
    """

    requests: int
    failed: int
    detected: float | None
    recovered: float
    whole: float | None
    writes_back: float
    reads_gone: float
    errors: Sequence[tuple[str, int]]

    @property
    def percent(self) -> float:
        return 100 * self.failed / self.requests if self.requests else 100.0


def figures(attempt: Attempt) -> Figures:
    """What an attempt comes to."""
    since = attempt.made if attempt.fault.bounds.since == "made" else attempt.mended
    here = [answer for answer in attempt.answers if answer.ended >= attempt.made]
    bad = [answer for answer in here if not answer.good]
    signs = [answer.ended for answer in bad] + ([attempt.noticed] if attempt.noticed else [])
    return Figures(
        requests=len(here),
        failed=len(bad),
        detected=max(0.0, min(signs) - attempt.made) if signs else None,
        recovered=max(0.0, max((answer.at for answer in bad), default=since) - since),
        whole=max(0.0, attempt.whole - since) if attempt.whole else None,
        writes_back=_back([answer for answer in here if answer.action not in READS], since),
        reads_gone=gap([answer for answer in here if answer.action in READS], attempt.made, attempt.ended),
        errors=Counter(map(_error, bad)).most_common(3),
    )


def _back(writes: Sequence[Answer], since: float) -> float:
    last = max((answer.at for answer in writes if not answer.good), default=since)
    good = [answer.ended for answer in writes if answer.good and answer.at >= last]
    return max(0.0, min(good) - since) if good and last > since else 0.0 if good or not writes else float("inf")


def gap(reads: Sequence[Answer], since: float, until: float) -> float:
    """The longest time between two good reads, or one and an end of the time that is looked at."""
    moments = [since, *sorted(answer.ended for answer in reads if answer.good and since <= answer.ended), until]
    return max((later - sooner for sooner, later in pairwise(moments)), default=0.0)


def _error(answer: Answer) -> str:
    what = str(answer.status) if answer.status else answer.error.split(" ", 1)[0]
    return f"{answer.action} {what}"


def wrong(attempt: Attempt) -> list[str]:
    """What did not hold, a sentence each."""
    if attempt.error:
        return [attempt.error]
    return [*_out_of_bounds(attempt), *_not_kept(attempt)]


def _out_of_bounds(attempt: Attempt) -> Iterator[str]:
    seen, bounds = figures(attempt), attempt.fault.bounds
    if not seen.requests:
        yield "there was no load"
    for what, value, bound, unit in (
        ("of requests failed", seen.percent, bounds.failed_percent, "%"),
        ("until the last failed request", seen.recovered, bounds.recovery, "s"),
        ("until writes were back", seen.writes_back, bounds.writes_back, "s"),
        ("without a good read", seen.reads_gone, bounds.reads_gone, "s"),
    ):
        if bound is not None and value > bound:
            yield f"{value:.1f} {unit} {what}, at most {bound:g} {unit} may"


def _not_kept(attempt: Attempt) -> Iterator[str]:
    if attempt.findings:
        yield from attempt.findings.said()


def judged(record: Record) -> dict[str, list[str]]:
    """What did not hold, by fault, and of the end of the drill."""
    found = {attempt.fault.name: wrong(attempt) for attempt in record.attempts}
    found["in the end"] = record.findings.said()
    if not record.findings.promised:
        found["in the end"].append("no receipt was acknowledged, so that none could be lost")
    return {name: said for name, said in found.items() if said}
