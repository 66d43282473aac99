"""What was seen of a drill of faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from localcloud.drill.faults.fault import Fault
from localcloud.ledger.check import Findings
from localcloud.rollout.load.answers import Answer


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One fault, carried out. All times are Unix times.

    `answers` are those of the load that were sent between `began` and `ended`. `noticed` is when the platform first
    showed that something was wrong, `whole` when every part of it was well again; None where that did not come.
    `error` says why the fault could not be made or mended, `receipts` how many were acknowledged meanwhile.
    """

    fault: Fault
    began: float
    made: float
    mended: float
    ended: float
    answers: Sequence[Answer] = ()
    noticed: float | None = None
    whole: float | None = None
    findings: Findings | None = None
    load: float = 0.0
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Record:
    """A whole drill; `findings` are of the end, when everything was given time to be read."""

    env: str
    seed: int
    began: float
    ended: float
    attempts: Sequence[Attempt]
    answers: Sequence[Answer]
    findings: Findings
    interrupted: bool = False
