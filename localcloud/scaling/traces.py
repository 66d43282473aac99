"""Load over time, as data: what `make scaling` replays.

A trace is sized by the service that it is for: `load` gives tasks' worth of work, of which a service at its maximum can
do as many as it may have tasks. So each trace asks of every environment what it can just about give, and says how the
policies behave, not how much load an environment will get.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

HOUR = 3600.0
MINUTE = 60.0
IDLE_CPU = 0.02
"""Share of a task's CPU that goes to health checks, PgBouncer and logs; an assumption."""

NOISE = 0.02
"""Standard deviation of the load from one minute to the next, as a share; drawn with the trace's seed."""


class Kind(Enum):
    """What a trace loads: services that answer requests, or workers that take jobs from a queue."""

    REQUESTS = "requests"
    JOBS = "jobs"


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a worker does for one receipt: seconds of CPU, and seconds from taking it to the result."""

    cpu: float
    wall: float


EMBEDDED = Job(cpu=2.6, wall=2.6)
"""The embedded engine: 2.6 CPU seconds a receipt (README, Measured), on one core."""

REMOTE = Job(cpu=0.3, wall=12.0)
"""A model's answer takes seconds, of which the worker waits nearly all; an assumption, a slow day of OpenAI."""


@dataclass(frozen=True, kw_only=True)
class Trace:
    """`load(t, most, low)` in tasks' worth of work at second t, for a service of at most `most` and at least `low`
    tasks."""

    name: str
    about: str
    kind: Kind
    seconds: float
    seed: int
    load: Callable[[float, float, float], float]
    job: Job = EMBEDDED
    start: Callable[[float, float], float] | None = None
    """Tasks at the beginning; where nothing is said, as many as keep the first load at half of their CPU."""

    def tasks_at_start(self, *, most: float, low: float) -> int:
        wanted = self.start(most, low) if self.start else self.load(0.0, most, low) / 0.5
        return math.ceil(min(max(wanted, low), most))

    def loads(self, *, most: float, low: float, tick: float) -> list[float]:
        """The load of each tick, with the noise of its minute."""
        draw = random.Random(self.seed)  # noqa: S311 (not a secret)
        minutes = math.ceil(self.seconds / MINUTE)
        noise = [max(0.0, draw.gauss(1.0, NOISE)) for _ in range(minutes)]
        count = int(self.seconds / tick)
        return [
            max(0.0, self.load(index * tick, most, low)) * noise[int(index * tick / MINUTE)] for index in range(count)
        ]


def _steady(_t: float, most: float, low: float) -> float:
    return 0.5 * _middle(most, low)


def _wave(t: float, most: float, low: float) -> float:
    """Lowest at 4 in the morning, highest at 4 in the afternoon."""
    share = (1 - math.cos(2 * math.pi * (t / HOUR - 4) / 24)) / 2
    return 0.2 * low + (0.65 * most - 0.2 * low) * share


def _ramp(t: float, most: float, low: float) -> float:
    """An hour up, an hour there, an hour down, and an hour of calm."""
    share = min(1.0, t / HOUR, max(0.0, 3 - t / HOUR))
    return 0.3 * low + (0.65 * most - 0.3 * low) * share


def _flash(t: float, most: float, low: float) -> float:
    """Within two minutes from idle to two thirds of what is possible, half an hour there, then back."""
    rise, end = 20 * MINUTE, 52 * MINUTE
    share = min(1.0, max(0.0, (t - rise) / (2 * MINUTE)), max(0.0, (end - t) / (5 * MINUTE)))
    return 0.4 * low + (0.65 * most - 0.4 * low) * share


def _middle(most: float, low: float) -> float:
    return max(low, round(most / 2))


def _saw(around: float) -> Callable[[float, float, float], float]:
    """From 4 % below to 4 % above a share of CPU, as the tasks of the start have it, every ten minutes."""
    load_alone = around - IDLE_CPU

    def load(t: float, most: float, low: float) -> float:
        phase = (t % (10 * MINUTE)) / (10 * MINUTE)
        return load_alone * (0.96 + 0.08 * phase) * _middle(most, low)

    return load


def _bulk(t: float, most: float, low: float) -> float:
    """Somebody uploads a shoe box: for twenty minutes twice of what all tasks together can do."""
    return 2.0 * most if 10 * MINUTE <= t < 30 * MINUTE else 0.1 * low


def _slow(t: float, most: float, low: float) -> float:
    """For two hours two thirds of what all tasks together can do, while each job mostly waits."""
    return 0.65 * most if 10 * MINUTE <= t < 130 * MINUTE else 0.1 * low


TRACES = {
    trace.name: trace
    for trace in (
        Trace(
            name="steady", about="half of what half of the tasks can do, for three hours", kind=Kind.REQUESTS,
            seconds=3 * HOUR, seed=1, load=_steady, start=_middle,
        ),
        Trace(
            name="daily-wave", about="a day, quiet at 4:00, busy at 16:00", kind=Kind.REQUESTS,
            seconds=24 * HOUR, seed=2, load=_wave,
        ),
        Trace(
            name="ramp", about="an hour up, an hour there, an hour down", kind=Kind.REQUESTS,
            seconds=5 * HOUR, seed=3, load=_ramp,
        ),
        Trace(
            name="flash-crowd", about="from idle to two thirds of the maximum in two minutes", kind=Kind.REQUESTS,
            seconds=2.5 * HOUR, seed=4, load=_flash,
        ),
        Trace(
            name="sawtooth-70", about="CPU just around 70 %", kind=Kind.REQUESTS,
            seconds=4 * HOUR, seed=5, load=_saw(0.70), start=_middle,
        ),
        Trace(
            name="sawtooth-30", about="CPU just around 30 %", kind=Kind.REQUESTS,
            seconds=4 * HOUR, seed=6, load=_saw(0.30), start=_middle,
        ),
        Trace(
            name="bulk-upload", about="twice the most for twenty minutes, read by the embedded engine", kind=Kind.JOBS,
            seconds=3 * HOUR, seed=7, load=_bulk, job=EMBEDDED,
        ),
        Trace(
            name="slow-queue", about="jobs that wait for a model's answer and need little CPU", kind=Kind.JOBS,
            seconds=4 * HOUR, seed=8, load=_slow, job=REMOTE,
        ),
    )
}  # fmt: skip
