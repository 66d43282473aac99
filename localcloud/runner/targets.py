"""A service's tasks as targets of its load balancers' target groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from localcloud import aws, layout
from localcloud.runner.task import Task


class TargetGroups:
    """What the load balancer says of a service's tasks at this moment; a service without one finds every task fit."""

    def __init__(self, described: dict[str, Any], region: str) -> None:
        self._elb = aws.client("elbv2", region)
        self._ports: dict[str, int] = {
            balancer["targetGroupArn"]: balancer["containerPort"]
            for balancer in described.get("loadBalancers", [])
            if balancer.get("targetGroupArn")
        }
        self._states: dict[tuple[str, int], str] = {}
        for arn in self._ports:
            for seen in self._elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]:
                self._states[arn, int(seen["Target"]["Port"])] = seen["TargetHealth"]["State"]

    def reconcile(self, tasks: Iterable[Task]) -> None:
        """Register the running tasks, take the others out."""
        for arn, container_port in self._ports.items():
            wanted = {
                task.host_ports[container_port]
                for task in tasks
                if task.status == "RUNNING" and not task.stopping and container_port in task.host_ports
            }
            present = {port for group, port in self._states if group == arn}
            if wanted - present:
                self._elb.register_targets(TargetGroupArn=arn, Targets=_targets(wanted - present))
            if present - wanted:
                self._elb.deregister_targets(TargetGroupArn=arn, Targets=_targets(present - wanted))

    def fit(self, task: Task) -> bool:
        """Whether every load balancer sends the task requests."""
        return all(self._state(arn, port, task) == "healthy" for arn, port in self._ports.items())

    def unhealthy(self, task: Task) -> bool:
        return any(self._state(arn, port, task) == "unhealthy" for arn, port in self._ports.items())

    def _state(self, arn: str, container_port: int, task: Task) -> str:
        return self._states.get((arn, task.host_ports.get(container_port, 0)), "unused")


def _targets(ports: set[int]) -> list[dict[str, Any]]:
    return [{"Id": layout.LOOPBACK, "Port": port} for port in sorted(ports)]
