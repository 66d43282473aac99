"""What Envoy's health checks found, in the words of DescribeTargetHealth."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from localcloud import layout
from localcloud.dataplane.loadbalancer.clusters import cluster_name
from localcloud.dataplane.specs import TargetGroupSpec

TargetStates = dict[str, dict[str, str]]
"""State (initial, healthy, unhealthy) by "address:port", by target group ARN."""


class TargetHealth:
    """Remembers who has been healthy: a new target is `initial` until it is, or until it has failed as many checks in
    a row as its group allows (Elb.InitialHealthChecking, UnhealthyThresholdCount). Envoy calls it unhealthy from the
    first one on, such as while a server is still starting.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._new: dict[tuple[str, str], float] = {}
        self._known: set[tuple[str, str]] = set()

    def states(self, clusters: dict[str, Any], groups: Iterable[TargetGroupSpec]) -> TargetStates:
        """`clusters` is Envoy's answer to /clusters?format=json."""
        by_cluster = {
            each["name"]: {_address(host): _state(host["health_status"]) for host in each.get("host_statuses", [])}
            for each in clusters.get("cluster_statuses", [])
        }
        found = {
            group.arn: {
                str(target): self._seen(
                    group, str(target), by_cluster.get(cluster_name(group.arn), {}).get(str(target), "initial")
                )
                for target in group.targets
            }
            for group in groups
        }
        registered = {(arn, target) for arn, targets in found.items() for target in targets}
        self._known &= registered
        self._new = {place: since for place, since in self._new.items() if place in registered}
        return found

    def _seen(self, group: TargetGroupSpec, target: str, state: str) -> str:
        place, check = (group.arn, target), group.health_check
        if place in self._known:
            return state
        age = self._clock() - self._new.setdefault(place, self._clock())
        if state == "unhealthy" and age < check.interval * check.unhealthy_threshold:
            return "initial"
        if state != "initial":
            self._known.add(place)
        return state


def write(found: TargetStates) -> None:
    """Leave word for DescribeTargetHealth and for CloudWatch."""
    layout.write_private(layout.folder("dataplane") / "target-health.json", json.dumps(found, sort_keys=True))


def last_written() -> TargetStates:
    """Empty where nothing was written yet."""
    path = layout.folder("dataplane") / "target-health.json"
    found: TargetStates = json.loads(path.read_text()) if path.exists() else {}
    return found


def _address(host: dict[str, Any]) -> str:
    socket = host["address"].get("socket_address", {})
    return f"{socket.get('address')}:{socket.get('port_value')}"


def _state(health: dict[str, Any]) -> str:
    if health.get("pending_active_hc"):
        return "initial"
    return "unhealthy" if health.get("failed_active_health_check") else "healthy"
