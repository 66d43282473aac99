"""One ECS service: reads what ECS wants of it, plans, starts and stops tasks, and reports how the deployment goes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localcloud import aws
from localcloud.emulator.ecs_reports import EcsReports
from localcloud.runner.planning import Plan, RunningTask, ServiceState, desired_count, plan
from localcloud.runner.targets import TargetGroups
from localcloud.runner.task import Task

log = logging.getLogger("runner")

LONGEST_PAUSE = 60.0
"""Seconds between two starts of a service whose tasks keep failing; ECS throttles such a service, too."""


@dataclass
class Service:
    """A service and its tasks. `launch` makes a task of a deployment; `described` is its latest description."""

    region: str
    described: dict[str, Any]
    launch: Callable[[dict[str, Any], dict[str, Any]], Task]
    tasks: list[Task] = field(default_factory=list)
    restarts: int = 0
    last_error: str = ""
    _failures: dict[str, int] = field(default_factory=dict)
    _not_before: float = 0.0

    @property
    def name(self) -> str:
        return str(self.described["serviceName"])

    @property
    def cluster(self) -> str:
        return str(self.described["clusterArn"])

    def desired(self) -> int:
        """The count that ECS wants, within Application Auto Scaling's bounds."""
        if self.described["status"] != "ACTIVE":
            return 0
        resource = f"service/{self.cluster.rsplit('/', 1)[-1]}/{self.name}"
        found = aws.client("application-autoscaling", self.region).describe_scalable_targets(
            ServiceNamespace="ecs", ResourceIds=[resource], ScalableDimension="ecs:service:DesiredCount"
        )["ScalableTargets"]
        declared = int(self.described["desiredCount"])
        if not found:
            return declared
        count = desired_count(declared, minimum=found[0]["MinCapacity"], maximum=found[0]["MaxCapacity"])
        if count != declared:
            aws.client("ecs", self.region).update_service(cluster=self.cluster, service=self.name, desiredCount=count)
        return count

    def turn(self, reports: EcsReports) -> None:
        """One turn."""
        self._bury()
        primary = next((d for d in self.described["deployments"] if d["status"] == "PRIMARY"), None)
        if primary is None:
            self._stop_all("Service was deleted")
            return
        desired = self.desired()
        targets = TargetGroups(self.described, self.region)
        targets.reconcile(self.tasks)
        self._replace_the_unfit(targets)
        next_step = plan(self._state(primary, desired, targets))
        self._carry_out(next_step, primary, reports)

    def _state(self, primary: dict[str, Any], desired: int, targets: TargetGroups) -> ServiceState:
        configuration = self.described.get("deploymentConfiguration") or {}
        live = tuple(
            RunningTask(
                arn=task.identity.arn,
                current=self._is_current(task, primary),
                healthy=task.healthy and targets.fit(task),
                protected=task.protected_until > time.time(),
            )
            for task in self.tasks
            if not task.stopping
        )
        return ServiceState(
            desired=desired,
            tasks=live,
            minimum_percent=configuration.get("minimumHealthyPercent", 100),
            maximum_percent=configuration.get("maximumPercent", 200),
            in_progress=primary.get("rolloutState", "IN_PROGRESS") == "IN_PROGRESS",
            failures=self._failures.get(primary["id"], 0),
            breaker=(configuration.get("deploymentCircuitBreaker") or {}).get("enable", False),
        )

    def _is_current(self, task: Task, primary: dict[str, Any]) -> bool:
        if task.deployment_id == primary["id"]:
            return True
        # A rollback returns to a task definition whose tasks may still run: they stay.
        rolled_back = "roll" in primary.get("rolloutStateReason", "").lower()
        return rolled_back and task.definition.arn == primary["taskDefinition"]

    def _carry_out(self, step: Plan, primary: dict[str, Any], reports: EcsReports) -> None:
        by_arn = {task.identity.arn: task for task in self.tasks}
        for arn in step.stop:
            by_arn[arn].stop(f"Scaling activity initiated by deployment {primary['id']}", "ServiceSchedulerInitiated")
        if step.failed:
            log.warning("%s: deployment %s failed: %s", self.name, primary["id"], self.last_error)
            for task in self.tasks:
                if task.deployment_id == primary["id"]:
                    task.stop("Deployment failed", "ServiceSchedulerInitiated")
            reports.fail_deployment(
                cluster=self.cluster,
                service=self.name,
                deployment_id=primary["id"],
                reason=f"ECS deployment circuit breaker: tasks failed to start. {self.last_error}",
            )
            self._not_before = 0.0
            return
        if step.start and time.monotonic() >= self._not_before:
            for _ in range(step.start):
                self.tasks.append(self.launch(self.described, primary))
        if step.completed:
            log.info("%s: deployment %s completed", self.name, primary["id"])
            self.last_error = ""
            reports.complete_deployment(cluster=self.cluster, service=self.name, deployment_id=primary["id"])

    def _bury(self) -> None:
        """Forget tasks that are over; count the failed ones against their deployment."""
        for task in [task for task in self.tasks if task.over]:
            self.tasks.remove(task)
            if not task.failed:
                continue
            self.restarts += 1
            self.last_error = task.stopped_reason
            failures = self._failures[task.deployment_id] = self._failures.get(task.deployment_id, 0) + 1
            lived = time.monotonic() - task.running_since if task.running_since else 0
            pause = 0.0 if lived > 60 else min(2.0 ** (failures - 1), LONGEST_PAUSE)
            self._not_before = time.monotonic() + pause
            log.warning("%s: task %s: %s", self.name, task.identity.id, task.stopped_reason)

    def _replace_the_unfit(self, targets: TargetGroups) -> None:
        """A task that the load balancer finds unhealthy after its grace period is stopped and replaced."""
        grace = float(self.described.get("healthCheckGracePeriodSeconds") or 0)
        for task in self.tasks:
            started = task.running_since
            if started is None or task.stopping or time.monotonic() - started < grace:
                continue
            if targets.unhealthy(task):
                task.stop("Task failed ELB health checks", "ServiceSchedulerInitiated", failed=True)

    def _stop_all(self, reason: str) -> None:
        for task in self.tasks:
            task.stop(reason, "ServiceSchedulerInitiated")


def describe_services(region: str) -> list[dict[str, Any]]:
    """Every service of every cluster in the region that is active or has tasks left."""
    ecs = aws.client("ecs", region)
    found: list[dict[str, Any]] = []
    for cluster in ecs.list_clusters()["clusterArns"]:
        arns = [
            arn for page in ecs.get_paginator("list_services").paginate(cluster=cluster) for arn in page["serviceArns"]
        ]
        for start in range(0, len(arns), 10):
            found += ecs.describe_services(cluster=cluster, services=arns[start : start + 10])["services"]
    return [service for service in found if service["status"] != "INACTIVE"]
