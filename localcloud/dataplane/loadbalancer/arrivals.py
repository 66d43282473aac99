"""New targets of target groups, until they pass a health check.

A load balancer takes a new target after one good health check, however many have failed before. Envoy would want as
many as of a target that was ill, and each takes an interval. So it hears of a new target when that passes its check
here, or when a load balancer would call it unhealthy.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html ("After your target
is registered, it must pass one health check to be considered healthy.")
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from localcloud import layout
from localcloud.dataplane.loadbalancer.first_check import passes
from localcloud.dataplane.specs import TargetGroupSpec

_AT_ONCE = 16
_MOMENT = 0.1
"""Seconds in which most targets have answered: what comes later is seen at the next look."""

Place = tuple[str, str]
"""A target group's ARN and "address:port"."""


class Arrivals:
    """Remembers who has arrived; whoever has does not leave again before it is deregistered.

    New targets are checked at each look, more often than their group asks for, so that a start is seen soon.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[Place, float] = {}
        self._checks: dict[Place, Future[bool]] = {}
        self._arrived: frozenset[Place] = frozenset()
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="first-check")

    def of(self, groups: Iterable[TargetGroupSpec]) -> frozenset[Place]:
        """Which of the groups' targets are to be looked at."""
        groups = tuple(groups)
        places = {(group.arn, str(target)): (group, target) for group in groups for target in group.targets}
        arrived = set(self._arrived & places.keys())
        for place in places.keys() - arrived:
            group, target = places[place]
            check = group.health_check
            age = self._clock() - self._since.setdefault(place, self._clock())
            if target.address != layout.LOOPBACK or age >= check.interval * check.unhealthy_threshold:
                arrived.add(place)
            elif place not in self._checks:
                self._checks[place] = self._threads.submit(passes, group, target)
        wait(self._checks.values(), timeout=_MOMENT)
        ended = {place: check for place, check in self._checks.items() if check.done()}
        arrived |= {place for place, check in ended.items() if place in places and check.result()}
        self._checks = {place: check for place, check in self._checks.items() if place not in ended}
        self._since = {place: since for place, since in self._since.items() if place in places.keys() - arrived}
        self._arrived = frozenset(arrived)
        return self._arrived

    def stop(self) -> None:
        """Wait for no check any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
