"""One ECS service: reads what ECS wants of it, plans, starts and stops tasks, and reports how the deployment goes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localcloud import aws
from localcloud.emulator.ecs_reports import EcsReports
from localcloud.runner import protection
from localcloud.runner.deployments import Deployments
from localcloud.runner.planning import (
    Plan,
    ProviderShare,
    RunningTask,
    ServiceState,
    hold,
    pause,
    plan,
    provider,
)
from localcloud.runner.targets import TargetGroups
from localcloud.runner.task import Ending, Task

log = logging.getLogger("runner")

SETTLED = 60.0
"""Seconds after which a task that fails is an accident, not one more of a row of failing starts."""

Launcher = Callable[[dict[str, Any], dict[str, Any], str | None], Task]
"""Makes and starts a task: of a service, of one of its deployments, on a capacity provider."""


@dataclass
class Service:
    """A service and its tasks. `described` is its latest description."""

    region: str
    described: dict[str, Any]
    launch: Launcher
    deployments: Deployments
    tasks: list[Task] = field(default_factory=list)
    restarts: int = 0
    last_error: str = ""
    _failures: dict[str, int] = field(default_factory=dict)
    _streaks: dict[str, int] = field(default_factory=dict)
    _not_before: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.described["serviceName"])

    @property
    def cluster(self) -> str:
        return str(self.described["clusterArn"])

    @property
    def busy(self) -> bool:
        """Whether something is under way, so that the next look should come soon."""
        primary = self._primary()
        rolling = primary is not None and primary.get("rolloutState") == "IN_PROGRESS"
        return (
            rolling
            or bool(self.described.get("currentServiceDeployment"))
            or any(task.leaving or task.status != "RUNNING" for task in self.tasks)
        )

    def turn(self, reports: EcsReports) -> None:
        """One step closer to what is wanted; waits for nothing."""
        self._bury()
        primary = self._primary()
        if primary is None:
            for task in self.tasks:
                task.stop(Ending(reason="Service deleted", code="ServiceSchedulerInitiated"))
            return
        targets = self._targets()
        targets.reconcile(self.tasks)
        for task in self.tasks:
            if task.leaving and targets.drained(task):
                task.stop(Ending(reason="drained", code="ServiceSchedulerInitiated"))
        self._replace_the_unfit(targets)
        if self.deployments.shifts_traffic(self.described):
            self._hold(targets)
        else:
            self._carry_out(plan(self._state(primary, targets)), primary, targets, reports)

    def _targets(self) -> TargetGroups:
        return TargetGroups(self.described, self.region, self.deployments.ports(self.described))

    def _primary(self) -> dict[str, Any] | None:
        return next((d for d in self.described["deployments"] if d["status"] == "PRIMARY"), None)

    def _state(self, primary: dict[str, Any], targets: TargetGroups) -> ServiceState:
        configuration = self.described.get("deploymentConfiguration") or {}
        desired = int(self.described["desiredCount"]) if self.described["status"] == "ACTIVE" else 0
        live = [task for task in self.tasks if not task.leaving]
        spare = len(live) > desired or any(task.deployment_id != primary["id"] for task in live)
        protected = protection.protected(live, region=self.region) if spare else frozenset()
        return ServiceState(
            desired=desired,
            tasks=tuple(self._running(task, targets, primary["id"], protected) for task in live),
            minimum_percent=configuration.get("minimumHealthyPercent", 100),
            maximum_percent=configuration.get("maximumPercent", 200),
            rollout=primary.get("rolloutState", "IN_PROGRESS"),
            failures=self._failures.get(primary["id"], 0),
            breaker=(configuration.get("deploymentCircuitBreaker") or {}).get("enable", False),
        )

    def _running(self, task: Task, targets: TargetGroups, current: str, protected: frozenset[str]) -> RunningTask:
        return RunningTask(
            arn=task.identity.arn,
            current=task.deployment_id == current,
            healthy=task.healthy and targets.fit(task),
            protected=task.identity.arn in protected,
        )

    def _carry_out(self, step: Plan, primary: dict[str, Any], targets: TargetGroups, reports: EcsReports) -> None:
        if step.failed:
            self._fail(primary, reports)
            return
        self._start_and_stop(step, primary, targets)
        if step.completed:
            self.last_error = ""
            self._failures.pop(primary["id"], None)
            self._streaks.pop(primary["id"], None)
            reports.complete_deployment(cluster=self.cluster, service=self.name, deployment_id=primary["id"])

    def _start_and_stop(self, step: Plan, deployment: dict[str, Any], targets: TargetGroups) -> None:
        by_arn = {task.identity.arn: task for task in self.tasks}
        for arn in step.stop:
            reason = f"Scaling activity initiated by deployment {deployment['id']}"
            self.retire(by_arn[arn], Ending(reason=reason, code="ServiceSchedulerInitiated"), targets)
        if step.start and time.monotonic() >= self._not_before.get(deployment["id"], 0.0):
            for _ in range(step.start):
                taken = [t.capacity_provider for t in self.tasks if t.capacity_provider and not t.leaving]
                self.tasks.append(self.launch(self.described, deployment, provider(_strategy(self.described), taken)))

    def _hold(self, targets: TargetGroups) -> None:
        """Each deployment has the tasks that ECS wants of it; those of deployments that are gone are stopped."""
        known = {each["id"]: each for each in self.described["deployments"]}
        live: dict[str, list[Task]] = {name: [] for name in known}
        for task in self.tasks:
            if not task.leaving:
                live.setdefault(task.deployment_id, []).append(task)
        for name, tasks in live.items():
            deployment = known.get(name, {"id": name, "desiredCount": 0})
            wanted = int(deployment["desiredCount"])
            protected = protection.protected(tasks, region=self.region) if len(tasks) > wanted else frozenset()
            own = [self._running(task, targets, name, protected) for task in tasks]
            self._start_and_stop(hold(own, wanted=wanted), deployment, targets)

    def _fail(self, primary: dict[str, Any], reports: EcsReports) -> None:
        log.warning("%s: deployment %s failed: %s", self.name, primary["id"], self.last_error)
        for task in self.tasks:
            if task.deployment_id == primary["id"]:
                task.stop(Ending(reason=f"Deployment {primary['id']} failed", code="ServiceSchedulerInitiated"))
        reports.fail_deployment(
            cluster=self.cluster,
            service=self.name,
            deployment_id=primary["id"],
            reason=f"ECS deployment circuit breaker: tasks failed to start. {self.last_error}".strip(),
        )
        # What comes now, a rollback or the next deployment, starts with a clean slate.
        self._failures.clear()
        self._streaks.clear()
        self._not_before.clear()

    def retire(self, task: Task, ending: Ending, targets: TargetGroups | None = None) -> None:
        """End a task; one that takes requests is first taken out of its load balancers and drained."""
        targets = targets or self._targets()
        if targets.takes_requests(task):
            task.drain(ending)
        else:
            task.stop(ending)

    def _bury(self) -> None:
        """Forget tasks that are over; count the failed ones against their deployment."""
        for task in [task for task in self.tasks if task.told]:
            self.tasks.remove(task)
            ending = task.ending
            if ending is None or not ending.failed:
                continue
            self.restarts += 1
            self.last_error = ending.reason
            self._failures[task.deployment_id] = self._failures.get(task.deployment_id, 0) + 1
            lived = time.monotonic() - task.running_since if task.running_since else 0.0
            streak = 0 if lived > SETTLED else self._streaks.get(task.deployment_id, 0) + 1
            self._streaks[task.deployment_id] = streak
            self._not_before[task.deployment_id] = time.monotonic() + pause(streak)
            log.warning("%s: task %s: %s", self.name, task.identity.id, ending.reason)

    def _replace_the_unfit(self, targets: TargetGroups) -> None:
        """A task that the load balancer finds unhealthy after its grace period is stopped and replaced."""
        for task in self.tasks:
            started = task.running_since
            if started is None or task.leaving or time.monotonic() - started < task.grace:
                continue
            if targets.unhealthy(task):
                reason = "Task failed ELB health checks"
                task.stop(Ending(reason=reason, code="ServiceSchedulerInitiated", failed=True))


def _strategy(described: dict[str, Any]) -> list[ProviderShare]:
    return [
        ProviderShare(name=item["capacityProvider"], base=item.get("base", 0), weight=item.get("weight", 0))
        for item in described.get("capacityProviderStrategy") or []
    ]


def describe_services(cluster: str, region: str) -> list[dict[str, Any]]:
    """Every service of a cluster that is active or has tasks left."""
    ecs = aws.client("ecs", region)
    pages = ecs.get_paginator("list_services").paginate(cluster=cluster)
    arns = [arn for page in pages for arn in page["serviceArns"]]
    found: list[dict[str, Any]] = []
    for start in range(0, len(arns), 10):
        found += ecs.describe_services(cluster=cluster, services=arns[start : start + 10])["services"]
    return [service for service in found if service["status"] != "INACTIVE"]
