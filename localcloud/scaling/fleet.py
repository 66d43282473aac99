"""The tasks of a service: ordered, started, at work, stopped."""

from __future__ import annotations

from dataclasses import dataclass

from localcloud.scaling.model import Timing


@dataclass
class _Task:
    running_at: float
    ready_at: float
    gone_at: float | None = None


class Fleet:
    """Follows a desired count as ECS does: starts what lacks, stops the youngest of what is too many.

    ECS balances over zones when it chooses what to stop; tasks are alike here but for their age, and those that have
    not started are stopped first, which costs the service nothing.
    """

    def __init__(self, *, count: int, timing: Timing) -> None:
        self._timing = timing
        self._tasks = [_Task(running_at=0.0, ready_at=0.0) for _ in range(count)]

    def follow(self, now: float, desired: int) -> None:
        """Start or stop tasks until as many are meant to run as are desired."""
        kept = [task for task in self._tasks if task.gone_at is None]
        for _ in range(desired - len(kept)):
            running_at = now + self._timing.start
            self._tasks.append(_Task(running_at=running_at, ready_at=running_at + self._timing.ready))
        for task in sorted(kept, key=lambda one: one.ready_at)[desired:]:
            task.gone_at = now + self._timing.drain if task.running_at <= now else now
        self._tasks = [task for task in self._tasks if task.gone_at is None or task.gone_at > now]

    def running(self, now: float) -> int:
        """Tasks that are RUNNING, which the service's CPU share is measured over. Those that stop are not."""
        return sum(task.gone_at is None and task.running_at <= now for task in self._tasks)

    def ready(self, now: float) -> int:
        """Tasks that take work: started, healthy, and not about to stop."""
        return sum(task.gone_at is None and task.ready_at <= now for task in self._tasks)

    def billed(self, now: float) -> int:
        """Tasks that cost money: from the image's download, which is counted from the order, to the end."""
        return sum(task.gone_at is None or task.gone_at > now for task in self._tasks)

    def settled(self, now: float) -> bool:
        """Whether all that was ordered runs, and all that was to stop is gone."""
        return all(task.gone_at is None and task.running_at <= now for task in self._tasks)
