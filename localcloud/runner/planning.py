"""What a service should do next: a pure function of what is wanted and what runs.

Follows Amazon ECS's rolling update and deployment circuit breaker:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
"""

from __future__ import annotations

import math
from dataclasses import dataclass


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

    `failures` counts the PRIMARY deployment's tasks that failed to start or to become healthy, `in_progress` says
    that the deployment has not reached its steady state yet, `breaker` that the circuit breaker watches it.
    """

    desired: int
    tasks: tuple[RunningTask, ...]
    minimum_percent: int = 100
    maximum_percent: int = 200
    in_progress: bool = True
    failures: int = 0
    breaker: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Tasks to start and to stop now, and whether the deployment has ended, well or badly."""

    start: int = 0
    stop: tuple[str, ...] = ()
    completed: bool = False
    failed: bool = False


def breaker_threshold(desired: int) -> int:
    """Failed tasks that open the circuit breaker: half the desired count, at least 3, at most 200."""
    return min(max(math.ceil(desired / 2), 3), 200)


def desired_count(declared: int, *, minimum: int | None, maximum: int | None) -> int:
    """The declared count within the scalable target's bounds; Application Auto Scaling moves a service into them."""
    if minimum is None or maximum is None:
        return declared
    return min(max(declared, minimum), maximum)


def plan(state: ServiceState) -> Plan:
    """The next step. Never goes below the minimum of healthy tasks or above the maximum of all by its own doing."""
    if state.in_progress and state.breaker and state.failures >= breaker_threshold(state.desired):
        return Plan(failed=True)
    current = [task for task in state.tasks if task.current]
    old = [task for task in state.tasks if not task.current]
    ceiling = max(math.floor(state.desired * state.maximum_percent / 100), state.desired)
    floor = math.ceil(state.desired * state.minimum_percent / 100)
    if state.maximum_percent <= 100:
        # Nothing may run beside the old tasks: they make room first.
        ceiling = state.desired
    healthy = sum(task.healthy for task in state.tasks)
    stop = _stop_old(state, current=current, old=old, floor=floor, healthy=healthy)
    surplus = len(current) - state.desired
    if surplus > 0:
        # Unhealthy ones first; a protected task is not scaled in.
        candidates = sorted((task for task in current if not task.protected), key=lambda task: task.healthy)
        stop += [task.arn for task in candidates[:surplus]]
    room = ceiling - len(state.tasks)
    start = max(0, min(state.desired - len(current), room))
    done = not old and len(current) == state.desired and all(task.healthy for task in current)
    return Plan(start=start, stop=tuple(stop), completed=state.in_progress and done)


def _stop_old(
    state: ServiceState, *, current: list[RunningTask], old: list[RunningTask], floor: int, healthy: int
) -> list[str]:
    if sum(task.healthy for task in current) >= state.desired:
        return [task.arn for task in old]
    stop: list[str] = []
    # Only what a rolling update needs: old tasks give way one for one, and never below the floor.
    for task in sorted(old, key=lambda task: task.healthy):
        if task.healthy and healthy - 1 < floor:
            break
        stop.append(task.arn)
        healthy -= task.healthy
    return stop
