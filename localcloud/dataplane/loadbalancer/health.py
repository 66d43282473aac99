"""What Envoy's health checks found, in the words of DescribeTargetHealth."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from localcloud import layout
from localcloud.dataplane.loadbalancer.clusters import cluster_name
from localcloud.dataplane.specs import TargetGroupSpec

TargetStates = dict[str, dict[str, str]]
"""State (initial, healthy, unhealthy) by "address:port", by target group ARN."""


def states(clusters: dict[str, Any], groups: Iterable[TargetGroupSpec]) -> TargetStates:
    """`clusters` is Envoy's answer to /clusters?format=json."""
    by_cluster = {
        each["name"]: {_address(host): _state(host["health_status"]) for host in each.get("host_statuses", [])}
        for each in clusters.get("cluster_statuses", [])
    }
    return {
        group.arn: {
            str(target): by_cluster.get(cluster_name(group.arn), {}).get(str(target), "initial")
            for target in group.targets
        }
        for group in groups
    }


def write(found: TargetStates) -> None:
    """Leave word for the emulator, which answers DescribeTargetHealth."""
    layout.write_private(layout.folder("dataplane") / "target-health.json", json.dumps(found, sort_keys=True))


def _address(host: dict[str, Any]) -> str:
    socket = host["address"].get("socket_address", {})
    return f"{socket.get('address')}:{socket.get('port_value')}"


def _state(health: dict[str, Any]) -> str:
    if health.get("pending_active_hc"):
        return "initial"
    return "unhealthy" if health.get("failed_active_health_check") else "healthy"
