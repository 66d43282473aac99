"""One trace against one service: ticks of load, minutes of metrics, alarms, scaling activities, tasks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from localcloud.emulator.cloudwatch.evaluation import Point, State, evaluate
from localcloud.scaling import load
from localcloud.scaling.autoscaler import Activity, Autoscaler, Invocation
from localcloud.scaling.fleet import Fleet
from localcloud.scaling.model import BACKLOG, CPU, Service, StepPolicy
from localcloud.scaling.traces import IDLE_CPU, MINUTE, Kind, Trace

TICK = 10.0
"""Seconds; divides a minute."""

METRIC_DELAY = 60.0
"""Seconds from a minute's end until CloudWatch has ECS's figures of it. AWS publishes no figure; an assumption, which
the application's own metric gets too, though it comes sooner."""

_AGGREGATIONS: dict[str, Callable[[Sequence[float]], float]] = {"Average": fmean, "Maximum": max, "Minimum": min}

Limits = Callable[[float], tuple[int, int, str]]
"""The least and the most tasks at a second, and on whose word."""


@dataclass(frozen=True, kw_only=True)
class Minute:
    """What a minute was like. `cpu` is what CloudWatch is told, in percent of all that runs, None while nothing does;
    `busy` the same of the tasks that take work, which those that just start do not dilute; `demand` in tasks' worth;
    `latency` in seconds: of requests the 95th percentile, of jobs the time from arrival to result; `backlog` jobs."""

    at: float
    demand: float
    cpu: float | None
    busy: float
    desired: int
    running: int
    ready: int
    billed: float
    latency: float
    backlog: float
    given_up: float


@dataclass(frozen=True, kw_only=True)
class Run:
    """A trace that was replayed."""

    service: Service
    trace: Trace
    minutes: tuple[Minute, ...]
    activities: tuple[Activity, ...]

    @property
    def task_hours(self) -> float:
        return sum(minute.billed for minute in self.minutes) / 60


@dataclass
class _Totals:
    """Sums over the ticks of a minute."""

    demand: list[float] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)
    billed: list[int] = field(default_factory=list)
    cpu: float = 0.0
    work: float = 0.0
    capacity: float = 0.0
    reserved: float = 0.0
    given_up: float = 0.0


class _Simulation:
    def __init__(
        self, service: Service, trace: Trace, most: int, limits: Limits | None, metric_delay: float, burst: float
    ) -> None:
        self.service, self.trace = service, trace
        self.metric_delay, self.burst = metric_delay, burst
        self.vcpu = service.size.vcpu
        self.loads = trace.loads(most=most, low=service.minimum, tick=TICK)
        self.limits = limits
        start = trace.tasks_at_start(most=most, low=service.minimum)
        self.scaler = Autoscaler(
            desired=min(max(start, service.minimum), service.maximum), minimum=service.minimum, maximum=service.maximum
        )
        self.fleet = Fleet(count=self.scaler.desired, timing=service.timing)
        self.waiting = 0.0
        self.minutes: list[Minute] = []
        self.states: dict[str, State] = {one.name: State.INSUFFICIENT_DATA for one in service.policies}
        self.seen: dict[str, list[Point | None]] = {one.name: [] for one in service.policies}

    def run(self) -> Run:
        totals = _Totals()
        for index, wanted in enumerate(self.loads):
            now = index * TICK
            if self.limits:
                least, most, cause = self.limits(now)
                self.scaler.limit(now, minimum=least, maximum=most, cause=cause)
            self.fleet.follow(now, self.scaler.desired)
            if self.fleet.settled(now):
                self.scaler.fulfilled(now)
            self._tick(now, wanted, totals)
            if (now + TICK) % MINUTE == 0:
                self._minute(now + TICK, totals)
                totals = _Totals()
        return Run(
            service=self.service,
            trace=self.trace,
            minutes=tuple(self.minutes),
            activities=tuple(self.scaler.activities),
        )

    def _tick(self, now: float, wanted: float, totals: _Totals) -> None:
        running, ready = self.fleet.running(now), self.fleet.ready(now)
        capacity = ready * self.vcpu * self.burst
        if self.trace.kind is Kind.REQUESTS:
            demand = wanted * self.vcpu
            done = load.serve(demand=demand, waiting=self.waiting, capacity=capacity, tick=TICK)
            latency = load.request_latency(
                demand=demand, waiting=done.waiting, tasks=ready, vcpu=self.vcpu * self.burst
            )
        else:
            done, latency = self._jobs(wanted, ready, capacity)
        self.waiting = done.waiting
        totals.demand.append(wanted)
        totals.latency.append(latency)
        totals.billed.append(self.fleet.billed(now))
        most = running * self.vcpu * self.burst * TICK
        totals.cpu += min(done.cpu + running * self.vcpu * IDLE_CPU * TICK, most)
        totals.work += done.cpu
        totals.capacity += capacity * TICK
        totals.reserved += running * self.vcpu * TICK
        totals.given_up += done.given_up

    def _jobs(self, wanted: float, ready: int, capacity: float) -> tuple[load.Done, float]:
        job, slots = self.trace.job, self.service.size.slots or 1
        each = load.throughput(slots=slots, capacity=self.vcpu, job=job)
        arrivals = wanted * each * TICK
        done = load.work(
            arrivals=arrivals, waiting=self.waiting, slots=ready * slots, capacity=capacity, job=job, tick=TICK
        )
        rate = each * ready
        return done, job.wall + max(0.0, done.waiting - rate * job.wall) / rate if rate else math.inf

    def _minute(self, end: float, totals: _Totals) -> None:
        cpu = 100 * totals.cpu / totals.reserved if totals.reserved else None
        now = end - TICK
        ready = self.fleet.ready(now)
        minute = Minute(
            at=end - MINUTE,
            demand=fmean(totals.demand),
            cpu=cpu,
            busy=100 * totals.work / totals.capacity if totals.capacity else 100.0,
            desired=self.scaler.desired,
            running=self.fleet.running(now),
            ready=ready,
            billed=fmean(totals.billed),
            latency=max(totals.latency),
            backlog=self.waiting if self.trace.kind is Kind.JOBS else 0.0,
            given_up=totals.given_up,
        )
        self.minutes.append(minute)
        self._scale(end)

    def _scale(self, now: float) -> None:
        """Alarms look once a minute at the minutes that CloudWatch knows by then."""
        known = len(self.minutes) - round(self.metric_delay / MINUTE)
        if known < 1:
            return
        invocations = [one for policy in self.service.policies if (one := self._invocation(policy, known)) is not None]
        self.scaler.invoke(now, invocations)

    def _invocation(self, policy: StepPolicy, known: int) -> Invocation | None:
        alarm = policy.alarm
        every = max(1, round(alarm.period / MINUTE))
        points = self.seen[policy.name]
        if known % every == 0:
            period = [self._measured(minute) for minute in self.minutes[known - every : known]]
            found = [one for measured in period if (one := alarm.value(measured)) is not None]
            start = int(self.minutes[known - every].at)
            value = _AGGREGATIONS.get(alarm.statistic, fmean)(found) if found else None
            points.append(Point(start=start, value=value) if value is not None else None)
        if not points:
            return None
        verdict = evaluate(alarm.rule, points[-alarm.rule.range :], self.states[policy.name])
        self.states[policy.name] = verdict.state
        values = [point.value for point in verdict.evaluated]
        if verdict.state is not State.ALARM or not values:
            return None
        return Invocation(policy=policy, value=_AGGREGATIONS[policy.aggregation](values))

    @staticmethod
    def _measured(minute: Minute) -> dict[str, float | None]:
        return {CPU: minute.cpu, BACKLOG: minute.backlog / max(1, minute.ready)}


def replay(
    service: Service,
    trace: Trace,
    *,
    most: int | None = None,
    limits: Limits | None = None,
    metric_delay: float = METRIC_DELAY,
    burst: float = 1.0,
) -> Run:
    """Replay a trace. `most` is the number of tasks that the load is sized by, the service's maximum by itself;
    `limits` are scheduled or predicted ones; `burst` is how many times what it reserves a task can use, 1 on Fargate.

    Raises ScalingError for metric math that cannot be worked out.
    """
    return _Simulation(service, trace, most or service.maximum, limits, metric_delay, burst).run()
