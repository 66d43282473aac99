"""All that a drill of alarms saw, from which it is judged and reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from localcloud.drill.alarms.fault import Fault
from localcloud.drill.deployed import Alarm
from localcloud.drill.history import Change
from localcloud.drill.inbox import Message


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A fault from when it was made (`begun`) until its alarms were over; Unix times, None for what did not come.

    `error` says why it could not be made or mended.
    """

    fault: Fault
    begun: float
    mended: float | None = None
    ended: float | None = None
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Record:
    """`acted` are the alarms of scaling policies whose action was carried out. `machine` is the highest load average
    (over a minute) meanwhile."""

    env: str
    began: float
    ended: float
    alarms: Mapping[str, Alarm]
    attempts: tuple[Attempt, ...]
    changes: tuple[Change, ...]
    messages: tuple[Message, ...]
    acted: frozenset[str] = frozenset()
    machine: float = 0.0
    interrupted: bool = False
