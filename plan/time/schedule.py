"""The critical path of a deploy: what waits for what, in stacks and between them.

CloudFormation makes a resource when all that it depends on is there, and everything else at the same time; what is
replaced or deleted goes last. The CDK CLI deploys a stack when those it depends on are done, `concurrency` at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from plan.changes import Change, Comparison, Kind
from plan.time.durations import Duration, duration, making, removing
from preflight.assembly import Resource, Stack
from preflight.values import target

CONCURRENCY = 4
"""Stacks at a time, as in the README: `cdk deploy --all --concurrency 4`."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something that takes time in one stack; `after` are the steps it waits for.

    `at_once`: it does not wait for other stacks, as the CLI publishes all assets from the beginning.
    """

    stack: str
    label: str
    duration: Duration
    after: tuple[Step, ...] = ()
    at_once: bool = False


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A step with its typical beginning and end, in seconds from the start; `critical`: a delay here delays the end."""

    step: Step
    start: float
    end: float
    critical: bool


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """All bars in order of their beginning, and how long the whole takes."""

    bars: tuple[Bar, ...]
    low: float
    typical: float
    high: float

    @cached_property
    def critical(self) -> list[Bar]:
        return [bar for bar in self.bars if bar.critical]

    @cached_property
    def stacks(self) -> list[str]:
        """Stacks in the order in which they begin."""
        return list(dict.fromkeys(bar.step.stack for bar in self.bars))


def schedule(comparison: Comparison, *, concurrency: int = CONCURRENCY) -> Schedule:
    """When what is done, for a deploy of everything that changes."""
    plans = {stack.name: found for stack in comparison.after.stacks if (found := _steps(stack, comparison))}
    waits = _waits(comparison.after.stacks, plans)
    low, _ = _placed(plans, waits, concurrency, lambda one: one.low)
    high, _ = _placed(plans, waits, concurrency, lambda one: one.high)
    typical, bars = _placed(plans, waits, concurrency, lambda one: one.typical)
    return Schedule(bars=tuple(sorted(bars, key=lambda bar: (bar.start, bar.end))), low=low, typical=typical, high=high)


def _waits(stacks: list[Stack], plans: dict[str, list[Step]]) -> dict[str, set[str]]:
    """For each stack with something to do those that it waits for, through stacks in which nothing changes."""
    direct = {stack.name: stack.depends_on for stack in stacks}

    def reached(name: str, seen: set[str]) -> set[str]:
        found: set[str] = set()
        for one in direct.get(name, frozenset()) - seen:
            seen.add(one)
            found |= {one} if one in plans else reached(one, seen)
        return found

    return {name: reached(name, {name}) for name in plans}


def _steps(stack: Stack, comparison: Comparison) -> list[Step]:
    """The steps of one stack, each after those it waits for; empty where nothing is to be done."""
    changes = {one.resource.logical_id: one for one in comparison.changes if one.resource.stack is stack}
    gone = [one for one in comparison.changes if _is_removed(one) and _stack_of(one) == stack.name]
    rehashed = [one for one in comparison.rehashed if one.stack is stack]
    for resource in [*rehashed, *_rolled(stack, {*changes, *(one.logical_id for one in rehashed)})]:
        changes.setdefault(resource.logical_id, Change(kind=Kind.CHANGED, before=resource, after=resource))
    if not changes and not gone:
        return []
    name = stack.name.removeprefix(comparison.prefix)
    made: list[Step] = []
    first: tuple[Step, ...] = ()
    if kind := _asset(changes, rehashed):
        made.append(
            Step(stack=name, label=f"publish {kind}", duration=duration(f"cdk|asset_publish_{kind}"), at_once=True)
        )
        first = (made[-1],)
    start = Step(stack=name, label="change set, events", duration=duration("stack|overhead"), after=first)
    made.append(start)
    made.extend(_made(stack, changes, start, comparison))
    there = tuple(made)  # all that is made is there before anything is removed
    made.extend(
        Step(
            stack=name,
            label=f"delete {comparison.path(one.before)}",
            duration=removing(one.before),
            after=there,
        )
        for one in gone
        if one.before is not None
    )
    return made


def _is_removed(change: Change) -> bool:
    return change.kind in (Kind.DELETED, Kind.REPLACED) and change.before is not None and not change.retained


def _stack_of(change: Change) -> str:
    return change.resource.stack.name


def _made(stack: Stack, changes: dict[str, Change], start: Step, comparison: Comparison) -> list[Step]:
    found: dict[str, Step | None] = {}
    order: list[Step] = []
    edge = duration("stack|per_dependency_edge")

    def steps_before(resource: Resource, under_way: frozenset[str]) -> dict[int, Step]:
        """The nearest changed resources that this one waits for, through those that do not change."""
        before: dict[int, Step] = {}
        for name in sorted(resource.dependencies - under_way):
            step = made(name, under_way | {name})
            if step:
                before[id(step)] = step
            else:
                before.update(steps_before(stack.resources[name], under_way | {name}))
        return before

    def made(name: str, under_way: frozenset[str]) -> Step | None:
        if name in found:
            return found[name]
        change = changes.get(name)
        if change is None or change.after is None:
            found[name] = None
            return None
        before = tuple(steps_before(change.after, under_way | {name}).values())
        takes = making(change, comparison.after)
        step = Step(
            stack=start.stack,
            label=comparison.path(change.after),
            duration=takes + edge if before else takes,
            after=before or (start,),
        )
        found[name] = step
        order.append(step)
        return step

    for name in changes:
        if name in stack.resources:
            made(name, frozenset({name}))
    return order


def _rolled(stack: Stack, changed: set[str]) -> list[Resource]:
    """Services whose task definition has a new revision: nothing else of them changes, and yet they roll."""
    return [
        service
        for service in stack.of_type("AWS::ECS::Service")
        if (task := target(service.get("TaskDefinition"), "AWS::ECS::TaskDefinition"))
        and task.stack is stack
        and task.logical_id in changed
    ]


def _asset(changes: dict[str, Change], rehashed: list[Resource]) -> str:
    """`image` or `zip` where the stack brings a new one."""
    new = {one.type for one in rehashed} | {one.resource.type for one in changes.values() if one.kind is Kind.ADDED}
    if "AWS::ECS::TaskDefinition" in new:
        return "image"
    return "zip" if "AWS::Lambda::Function" in new else ""


def _placed(
    plans: dict[str, list[Step]], waits: dict[str, set[str]], concurrency: int, level: Callable[[Duration], float]
) -> tuple[float, list[Bar]]:
    """The end of the whole, and the bars; each stack begins when those before it are done and a slot is free."""
    begins: dict[int, float] = {}
    ends: dict[int, float] = {}
    last: dict[str, tuple[float, Step]] = {}
    previous: dict[int, Step | None] = {}
    slots: list[tuple[float, Step | None]] = [(0.0, None)] * max(1, concurrency)
    pending = dict(plans)
    while pending:
        ready = [name for name in pending if waits[name] <= last.keys()] or [next(iter(pending))]
        name = min(ready, key=lambda one: max((last[two][0] for two in waits[one] if two in last), default=0.0))
        free = min(range(len(slots)), key=lambda index: slots[index][0])
        candidates = [slots[free], *(last[one] for one in waits[name] if one in last)]
        begin, cause = max(candidates, key=lambda one: one[0])
        for step in pending.pop(name):
            free_at = [(0.0, None)] if step.at_once else [(begin, cause)]
            waited = [*free_at, *((ends[id(one)], one) for one in step.after)]
            begins[id(step)], previous[id(step)] = max(waited, key=lambda one: one[0])
            ends[id(step)] = begins[id(step)] + level(step.duration)
        final = max(plans[name], key=lambda one: ends[id(one)])
        last[name] = (ends[id(final)], final)
        slots[free] = last[name]
    if not last:
        return 0.0, []
    end, final = max(last.values(), key=lambda one: one[0])
    critical: set[int] = set()
    step_back: Step | None = final
    while step_back is not None and id(step_back) not in critical:
        critical.add(id(step_back))
        step_back = previous[id(step_back)]
    bars = [
        Bar(step=step, start=begins[id(step)], end=ends[id(step)], critical=id(step) in critical)
        for steps in plans.values()
        for step in steps
    ]
    return end, bars
