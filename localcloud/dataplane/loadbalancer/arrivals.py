"""New targets of target groups, until they listen.

A load balancer takes a new target after one good health check, however many have failed before. Envoy would want as
many as of a target that was ill, and each takes an interval. So it hears of a new target when that listens, or when a
load balancer would call it unhealthy.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html ("After your target
is registered, it must pass one health check to be considered healthy.")
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from localcloud import layout
from localcloud.dataplane.specs import TargetGroupSpec

_LISTENING = "0A"

Place = tuple[str, str]
"""A target group's ARN and "address:port"."""


def listening() -> set[int]:
    """This machine's TCP ports that something listens on (proc(5), /proc/net/tcp)."""
    found = set()
    for table in ("tcp", "tcp6"):
        path = Path("/proc/net") / table
        if path.exists():
            for line in path.read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING:
                    found.add(int(fields[1].rpartition(":")[2], 16))
    return found


class Arrivals:
    """Remembers who has arrived; whoever has does not leave again before it is deregistered."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, ports: Callable[[], set[int]] = listening) -> None:
        self._clock, self._ports = clock, ports
        self._since: dict[Place, float] = {}
        self._arrived: frozenset[Place] = frozenset()

    def of(self, groups: Iterable[TargetGroupSpec]) -> frozenset[Place]:
        """Which of the groups' targets are to be looked at."""
        groups = tuple(groups)
        new = [
            (group, target)
            for group in groups
            for target in group.targets
            if (group.arn, str(target)) not in self._arrived
        ]
        ports = self._ports() if new else set()
        arrived = set(self._arrived)
        for group, target in new:
            place, check = (group.arn, str(target)), group.health_check
            age = self._clock() - self._since.setdefault(place, self._clock())
            late = age >= check.interval * check.unhealthy_threshold
            if target.address != layout.LOOPBACK or target.port in ports or late:
                arrived.add(place)
        registered = {(group.arn, str(target)) for group in groups for target in group.targets}
        self._since = {place: since for place, since in self._since.items() if place in registered - arrived}
        self._arrived = frozenset(arrived & registered)
        return self._arrived
