"""All traces against all services of an environment: runs, their checks and what they cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from localcloud.scaling import limits
from localcloud.scaling.checks import BUSY, Check, checks
from localcloud.scaling.cost import TaskPrice, task_price
from localcloud.scaling.errors import ScalingError
from localcloud.scaling.limits import ScheduledAction
from localcloud.scaling.model import Service
from localcloud.scaling.overlay import Overlay
from localcloud.scaling.simulator import Limits, Run, replay
from localcloud.scaling.traces import TRACES, Kind, Trace


@dataclass(frozen=True, kw_only=True)
class Result:
    """One trace against one service. `template` is the service as its template has it."""

    template: Service
    run: Run
    checks: tuple[Check, ...]
    price: TaskPrice

    @property
    def ok(self) -> bool:
        return all(one.ok for one in self.checks)

    @property
    def cost(self) -> float:
        """USD for the whole trace."""
        return self.run.task_hours * self.price.usd_per_hour

    @property
    def cost_of_most(self) -> float:
        """USD had the maximum always run."""
        return self.template.maximum * len(self.run.minutes) / 60 * self.price.usd_per_hour

    @property
    def busy_minutes(self) -> int:
        """Minutes above BUSY percent of CPU, in a row or not."""
        return sum(minute.busy >= BUSY for minute in self.run.minutes)

    @property
    def worst_latency(self) -> float:
        """Seconds, an estimate; of the worst minute."""
        return max(minute.latency for minute in self.run.minutes)

    @property
    def cpu(self) -> float:
        """Mean percentage."""
        return fmean(minute.cpu for minute in self.run.minutes if minute.cpu is not None)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Everything that was tried. `policy` says whose policies, for people."""

    environment: str
    policy: str
    extras: tuple[str, ...]
    results: tuple[Result, ...]

    @property
    def ok(self) -> bool:
        return all(result.ok for result in self.results)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What to try: an overlay instead of the template's policies, one trace, scheduled actions, a forecast."""

    overlay: Overlay | None = None
    trace: str | None = None
    schedule: tuple[ScheduledAction, ...] = ()
    predictive: bool = False


def try_out(environment: str, services: Sequence[Service], trial: Trial) -> Outcome:
    """Replay. Raises ScalingError for an unknown trace, for services of which none scales, and for what cannot be
    simulated."""
    if trial.trace is not None and trial.trace not in TRACES:
        raise ScalingError(f"there is no trace {trial.trace!r}: known are {', '.join(TRACES)}")
    if not services:
        raise ScalingError(f"no service of {environment} scales")
    names = [service.name for service in services]
    if unknown := {one.service for one in trial.schedule} - set(names):
        raise ScalingError(f"scheduled actions name {', '.join(sorted(unknown))}; services are {', '.join(names)}")
    traces = [trace for name, trace in TRACES.items() if trial.trace in (None, name)]
    results = [
        _result(service, trace, trial)
        for service in services
        for trace in traces
        if (trace.kind is Kind.JOBS) == service.is_worker
    ]
    extras = [f"{len(trial.schedule)} scheduled actions"] if trial.schedule else []
    extras += ["a forecast for traces of a day"] if trial.predictive else []
    return Outcome(
        environment=environment,
        policy=trial.overlay.about if trial.overlay else "the template's policies",
        extras=tuple(extras),
        results=tuple(results),
    )


def _result(template: Service, trace: Trace, trial: Trial) -> Result:
    service = trial.overlay.applied(template) if trial.overlay else template
    most = template.maximum
    chosen = [limits.scheduled(service, list(trial.schedule))]
    chosen += [limits.predicted(service, trace, most=most)] if trial.predictive else []
    run = replay(service, trace, most=most, limits=_together([one for one in chosen if one]))
    return Result(template=template, run=run, checks=tuple(checks(run, template)), price=task_price(template))


def _together(several: list[Limits]) -> Limits | None:
    """Of several limits the highest minimum and the lowest maximum."""
    if not several:
        return None

    def limits_of(now: float) -> tuple[int, int, str]:
        each = [one(now) for one in several]
        least, _, cause = max(each, key=lambda one: one[0])
        return least, min(most for _, most, _ in each), cause

    return limits_of


def duration(seconds: float) -> str:
    """A time for people: 12 ms, 1.4 s, 3 min."""
    if math.isinf(seconds):
        return "∞"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
