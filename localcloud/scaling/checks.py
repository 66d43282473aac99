"""What a run must hold, each with a number, a bound and the reason of the bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from localcloud.scaling.autoscaler import Activity
from localcloud.scaling.model import BACKLOG, CPU, Service
from localcloud.scaling.simulator import Minute, Run, replay
from localcloud.scaling.traces import MINUTE, Kind

BUSY = 85.0
"""Percent of CPU beyond which requests visibly wait: at 85 % an M/M/1 queue is 6.7 times as slow as without load."""

MOST_BUSY_MINUTES = 10
"""A quarter of a month's error budget at 99.9 % (43 minutes): one flash crowd a week may use no more."""

FLAP_WINDOW = 15 * MINUTE
"""Tasks that are stopped and started again within this time cost more in starts than they save."""

FLAP_DEMAND = 0.10
"""A change of the demand by less than a tenth is none that tasks should follow: 30 and 70 % lie 133 % apart."""

MOST_IDLE_MINUTES = 60
"""Fargate is billed by the second: an hour of tasks that nobody needs, after which all of them must have been
given back, is twice what one task fewer every three minutes takes from twelve to two."""

IDLE = 30.0
"""Percent of CPU, and of a worker's slots, up to which tasks count as idle."""

MOST_QUEUE_MINUTES = 30
"""How much longer a queue may last than if all tasks that are allowed had always run: 20 minutes to start them (six
steps of three minutes from two to twelve, and two until the alarm speaks), and half as long to work off what has
gathered meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check of one run: `number` must not exceed `bound` (with `least`, not fall below it)."""

    name: str
    number: float
    bound: float
    unit: str
    reason: str
    least: bool = False

    @property
    def ok(self) -> bool:
        return self.number >= self.bound if self.least else self.number <= self.bound


def checks(run: Run, template: Service) -> list[Check]:
    """All checks of a run. `template` is the service as its template has it, whose limits count even where a policy
    file has others."""
    found = [*_limits(run, template), *_turns(run), _directions(run), _scale_in(run, template), _idle(run, template)]
    found.append(_busy(run) if run.trace.kind is Kind.REQUESTS else _queue(run, template))
    return found


def _limits(run: Run, template: Service) -> Iterator[Check]:
    yield Check(
        name="fewest tasks",
        number=min(min(minute.desired, minute.running) for minute in run.minutes),
        bound=template.minimum,
        unit="tasks",
        reason="the minimum of the template, which keeps the service in two zones",
        least=True,
    )
    yield Check(
        name="most tasks",
        number=max(minute.desired for minute in run.minutes),
        bound=template.maximum,
        unit="tasks",
        reason="the maximum of the template, which the connection budget of the database counts with",
    )


def _turns(run: Run) -> Iterator[Check]:
    yield Check(
        name="flaps",
        number=sum(1 for _ in flaps(run)),
        bound=0,
        unit="times",
        reason=(
            f"a scale-in and a scale-out after it within {FLAP_WINDOW / MINUTE:.0f} minutes, while the demand changed "
            f"by less than {100 * FLAP_DEMAND:g} %"
        ),
    )
    demand = [fmean(minute.demand for minute in run.minutes[at : at + 5]) for at in range(0, len(run.minutes), 5)]
    yield Check(
        name="turns",
        number=turns([activity.after for activity in run.activities], least=1),
        bound=turns(demand, least=FLAP_DEMAND * max(demand)),
        unit="times",
        reason=f"the demand turns so often, by {100 * FLAP_DEMAND:g} % of its highest value, in means of five minutes",
    )


def flaps(run: Run) -> Iterator[tuple[Activity, Activity]]:
    """Each scale-in with the scale-out that takes it back."""
    for index, down in enumerate(run.activities):
        up = next((one for one in run.activities[index + 1 :]), None)
        if down.grows or up is None or not up.grows or up.at - down.at > FLAP_WINDOW:
            continue
        before, after = (_demand_until(run, one.at) for one in (down, up))
        if abs(after - before) < FLAP_DEMAND * before:
            yield down, up


def _demand_until(run: Run, at: float) -> float:
    last = int(at / MINUTE)
    return fmean(minute.demand for minute in run.minutes[max(0, last - 3) : last])


def turns(values: Sequence[float], *, least: float) -> int:
    """How often a series changes its direction, changes smaller than `least` not counted."""
    if not values:
        return 0
    count, direction, extreme = 0, 0, values[0]
    for value in values:
        if direction * (value - extreme) > 0 or (direction == 0 and abs(value - extreme) < least):
            extreme = value if direction else extreme
        elif abs(value - extreme) >= least:
            turned = 1 if value > extreme else -1
            count += direction not in (0, turned)
            direction, extreme = turned, value
    return count


def _directions(run: Run) -> Check:
    policies = run.service.policies
    fixed = run.service.minimum == run.service.maximum
    return Check(
        name="directions",
        number=2 if fixed else any(one.grows for one in policies) + any(one.shrinks for one in policies),
        bound=2,
        unit="of 2",
        reason="what only grows is never given back, and what only shrinks never helps",
        least=True,
    )


def _scale_in(run: Run, template: Service) -> Check:
    """How near the minute after a scale-in comes to what makes the service scale out again."""
    metric = CPU if run.trace.kind is Kind.REQUESTS else BACKLOG
    threshold = run.service.threshold(metric) or template.threshold(metric) or 100.0
    following = [_after(run, one, metric) for one in run.activities if not one.grows]
    return Check(
        name="after scale-in",
        number=max(following, default=0.0),
        bound=threshold - 0.001,
        unit="% CPU" if metric == CPU else "jobs a task",
        reason=f"what the tasks that stay have in the next minute stays below {threshold:g}, the scale-out threshold",
    )


def _after(run: Run, activity: Activity, metric: str) -> float:
    minute = run.minutes[min(int(activity.at / MINUTE), len(run.minutes) - 1)]
    if metric == CPU:
        return 100 * minute.demand / activity.after
    return minute.backlog / activity.after


def _idle(run: Run, template: Service) -> Check:
    def unused(minute: Minute) -> bool:
        return minute.desired > template.minimum and _used(run, minute) <= IDLE

    return Check(
        name="idle",
        number=longest(run.minutes, unused),
        bound=MOST_IDLE_MINUTES,
        unit="minutes in a row",
        reason=f"more tasks than the minimum while they use {IDLE:g} % or less; Fargate bills each second",
    )


def _used(run: Run, minute: Minute) -> float:
    slots = (run.service.size.slots or 0) * minute.ready
    return max(minute.busy, 100 * minute.backlog / slots if slots else 0.0)


def _busy(run: Run) -> Check:
    return Check(
        name=f"above {BUSY:g} %",
        number=longest(run.minutes, lambda minute: minute.busy >= BUSY),
        bound=MOST_BUSY_MINUTES,
        unit="minutes in a row",
        reason="a quarter of a month's error budget at 99.9 %, 43 minutes: a flash crowd a week may not use it up",
    )


def _queue(run: Run, template: Service) -> Check:
    always = replace(template, minimum=template.maximum, policies=())
    best = replay(always, run.trace, most=template.maximum)
    return Check(
        name="queue",
        number=_queued(run),
        bound=_queued(best) + MOST_QUEUE_MINUTES,
        unit="minutes in a row",
        reason=f"{_queued(best)} minutes with all {template.maximum} tasks from the start, and {MOST_QUEUE_MINUTES} "
        "to start them",
    )


def _queued(run: Run) -> int:
    """The longest time for which jobs waited for a free slot of a worker."""
    slots = run.service.size.slots or 1
    return longest(run.minutes, lambda minute: minute.backlog > slots * minute.ready)


def longest(minutes: Sequence[Minute], holds: Callable[[Minute], bool]) -> int:
    """The most minutes in a row for which something holds."""
    most = now = 0
    for minute in minutes:
        now = now + 1 if holds(minute) else 0
        most = max(most, now)
    return most
