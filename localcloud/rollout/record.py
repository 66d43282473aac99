"""All that a rehearsal saw, from which it is judged and reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from localcloud.rollout.load.answers import Answer
from localcloud.rollout.snapshot import Snapshot

Expectation = Literal["takes over", "goes back", "stays"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened, at a Unix time."""

    at: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Rest:
    """What was there when all was quiet again: the task definitions that running tasks are of, that the service and
    the stack name, the status of the stack, and the healthy targets by target group."""

    tasks: frozenset[str]
    service: str
    template: str
    stack: str
    healthy: dict[str, int]
    targets: dict[str, int]
    weights: dict[str, int]
    deployment: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """One rehearsal; see `Scenario` for what is expected of it.

    Times are Unix times: the load went from `began` to `ended`, the CLI started at `deployed`, the first alarm spoke at
    `alarm_at` (None when none did). Receipts: how many were acknowledged, in which states they are, which are lost.
    """

    scenario: str
    says: str
    strategy: str
    expects: Expectation
    shielded: bool
    undisturbed: bool
    alarmed: bool
    canary_percent: int
    old_release: str
    new_release: str
    old_task_definition: str
    began: float
    deployed: float
    ended: float
    answers: tuple[Answer, ...]
    snapshots: tuple[Snapshot, ...]
    events: tuple[Event, ...]
    promised: int
    states: dict[str, int]
    lost: tuple[str, ...]
    rest: Rest
    alarm_at: float | None = None
    cli_error: str = ""
