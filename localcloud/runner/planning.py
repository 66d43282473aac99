"""What a service should do next: pure functions of what is wanted and what runs.

Follows Amazon ECS's rolling update and deployment circuit breaker:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Rollout = Literal["IN_PROGRESS", "COMPLETED", "FAILED"]


@dataclass(frozen=True, kw_only=True)
class RunningTask:
    """One live task of a service; `current` when it is of the PRIMARY deployment."""

    arn: str
    current: bool
    healthy: bool
    protected: bool = False


@dataclass(frozen=True, kw_only=True)
class ServiceState:
    """What ECS says of a service, and the tasks it has. Percentages as in its deployment configuration.

    `failures` counts the PRIMARY deployment's tasks that failed since its rollout began, `breaker` says that the
    circuit breaker watches it. Tasks that are on their way out are not among `tasks`.
    """

    desired: int
    tasks: tuple[RunningTask, ...]
    minimum_percent: int = 100
    maximum_percent: int = 200
    rollout: Rollout = "IN_PROGRESS"
    failures: int = 0
    breaker: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Tasks to start and to stop now, and whether the deployment has ended, well or badly."""

    start: int = 0
    stop: tuple[str, ...] = ()
    completed: bool = False
    failed: bool = False


@dataclass(frozen=True, kw_only=True)
class ProviderShare:
    """One item of a capacity provider strategy."""

    name: str
    base: int = 0
    weight: int = 0


def breaker_threshold(desired: int) -> int:
    """Failed tasks that open the circuit breaker: half the desired count, at least 3, at most 200."""
    return min(max(math.ceil(desired / 2), 3), 200)


def pause(streak: int) -> float:
    """Seconds before the next start of a service of which `streak` tasks in a row have failed soon after theirs."""
    return 0.0 if streak == 0 else min(2.0 ** (streak - 1), 60.0)


def provider(strategy: Sequence[ProviderShare], taken: Sequence[str]) -> str | None:
    """The capacity provider of the next task: bases first, then whoever is furthest below its weight."""
    counts = Counter(taken)
    for share in strategy:
        if counts[share.name] < share.base:
            return share.name
    weighted = [share for share in strategy if share.weight]
    if not weighted:
        return strategy[0].name if strategy else None
    return min(weighted, key=lambda share: (counts[share.name] - share.base) / share.weight).name


def plan(state: ServiceState) -> Plan:
    """The next step. Never goes below the minimum of healthy tasks or above the maximum of all by its own doing."""
    if state.rollout == "IN_PROGRESS" and state.breaker and state.failures >= breaker_threshold(state.desired):
        return Plan(failed=True)
    current = [task for task in state.tasks if task.current]
    old = [task for task in state.tasks if not task.current]
    if state.rollout == "FAILED":
        # A failed deployment starts nothing any more; what ran before it runs on.
        return Plan(stop=tuple(task.arn for task in current))
    stop = _surplus_of(old, state, current=current) + _scaled_in(current, desired=state.desired)
    ceiling = max(math.floor(state.desired * state.maximum_percent / 100), state.desired)
    start = max(0, min(state.desired - len(current), ceiling - len(state.tasks)))
    done = not old and len(current) == state.desired and all(task.healthy for task in current)
    return Plan(start=start, stop=tuple(stop), completed=state.rollout == "IN_PROGRESS" and done)


def hold(tasks: Sequence[RunningTask], *, wanted: int) -> Plan:
    """The next step of one of the deployments between which traffic is shifted: ECS says how many tasks each has."""
    return Plan(start=max(0, wanted - len(tasks)), stop=tuple(_scaled_in(list(tasks), desired=wanted)))


def _surplus_of(old: list[RunningTask], state: ServiceState, *, current: list[RunningTask]) -> list[str]:
    """Old tasks that may go: all when the new ones carry the service, before that as many as the minimum allows."""
    free = [task for task in old if not task.protected]
    if sum(task.healthy for task in current) >= state.desired:
        return [task.arn for task in free]
    floor = math.ceil(state.desired * state.minimum_percent / 100)
    healthy = sum(task.healthy for task in state.tasks)
    stop = []
    for task in sorted(free, key=lambda task: task.healthy):
        if task.healthy and healthy - 1 < floor:
            break
        stop.append(task.arn)
        healthy -= task.healthy
    return stop


def _scaled_in(current: list[RunningTask], *, desired: int) -> list[str]:
    """Unhealthy ones first; a protected task is not scaled in."""
    surplus = max(0, len(current) - desired)
    candidates = sorted((task for task in current if not task.protected), key=lambda task: task.healthy)
    return [task.arn for task in candidates[:surplus]]
