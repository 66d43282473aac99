"""A service's tasks as targets of its load balancers' target groups."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from localcloud import aws, layout
from localcloud.runner.task import Task

NOTICE = 3.0
"""Seconds a load balancer takes at most to hear that a target was deregistered: it looks every second."""

_ESTABLISHED = "01"


Ports = dict[str, int]
"""Container ports by the ARN of the target group that gets their traffic."""


class TargetGroups:
    """What the load balancer says of a service's tasks at this moment; a service without one finds every task fit.

    `of_deployments` has the target groups of each deployment's tasks; those of a deployment that is not there, on its
    way out, are the service's own.
    """

    def __init__(self, described: dict[str, Any], region: str, of_deployments: Mapping[str, Ports]) -> None:
        self._elb = aws.client("elbv2", region)
        self._region = region
        self._of_deployments = of_deployments
        self._own: Ports = {
            balancer["targetGroupArn"]: balancer["containerPort"]
            for balancer in described.get("loadBalancers", [])
            if balancer.get("targetGroupArn")
        }
        self._all = sorted({*self._own, *_alternates(described), *(arn for p in of_deployments.values() for arn in p)})
        self._states: dict[tuple[str, int], str] = {}
        for arn in self._all:
            for seen in self._elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]:
                self._states[arn, int(seen["Target"]["Port"])] = seen["TargetHealth"]["State"]

    def reconcile(self, tasks: Iterable[Task]) -> None:
        """Register the running tasks, take the others out."""
        tasks = list(tasks)
        for arn in self._all:
            wanted = {
                task.host_ports[port]
                for task in tasks
                for group, port in self._ports(task).items()
                if group == arn and task.status == "RUNNING" and not task.leaving and port in task.host_ports
            }
            present = {port for group, port in self._states if group == arn}
            if wanted - present:
                self._elb.register_targets(TargetGroupArn=arn, Targets=_targets(wanted - present))
            if present - wanted:
                self._elb.deregister_targets(TargetGroupArn=arn, Targets=_targets(present - wanted))

    def fit(self, task: Task) -> bool:
        """Whether every load balancer sends the task requests."""
        return all(self._state(arn, port, task) == "healthy" for arn, port in self._ports(task).items())

    def unhealthy(self, task: Task) -> bool:
        return any(self._state(arn, port, task) == "unhealthy" for arn, port in self._ports(task).items())

    def takes_requests(self, task: Task) -> bool:
        """Whether the task is or was a target, so that it has to be drained before it ends."""
        return task.status == "RUNNING" and any(port in task.host_ports for port in self._ports(task).values())

    def drained(self, task: Task) -> bool:
        """Whether a deregistered task may end: nobody is connected to it any more, or the delay is over.

        https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
        """
        if task.draining_since is None:
            return True
        waited = time.monotonic() - task.draining_since
        ports = self._ports(task)
        if waited >= max((_deregistration_delay(arn, self._region) for arn in ports), default=0.0):
            return True
        return waited >= NOTICE and not _connected({task.host_ports[port] for port in ports.values()})

    def _ports(self, task: Task) -> Ports:
        return self._of_deployments.get(task.deployment_id, self._own)

    def _state(self, arn: str, container_port: int, task: Task) -> str:
        return self._states.get((arn, task.host_ports.get(container_port, 0)), "unused")


def _alternates(described: dict[str, Any]) -> set[str]:
    advanced = [balancer.get("advancedConfiguration") or {} for balancer in described.get("loadBalancers", [])]
    return {each["alternateTargetGroupArn"] for each in advanced if each.get("alternateTargetGroupArn")}


def _targets(ports: set[int]) -> list[dict[str, Any]]:
    return [{"Id": layout.LOOPBACK, "Port": port} for port in sorted(ports)]


@cache
def _deregistration_delay(arn: str, region: str) -> float:
    attributes = aws.client("elbv2", region).describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
    given = {attribute["Key"]: attribute["Value"] for attribute in attributes}
    return float(given.get("deregistration_delay.timeout_seconds", 300))


def _connected(ports: set[int]) -> bool:
    """Whether a TCP connection to one of this machine's ports is open (proc(5), /proc/net/tcp)."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == _ESTABLISHED and int(fields[1].rpartition(":")[2], 16) in ports:
            return True
    return False
