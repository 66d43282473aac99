"""All services and tasks of all regions: brings what runs closer to what ECS wants, turn by turn."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from localcloud import aws, layout, regions
from localcloud.emulator.ecs_reports import EcsReports, ReportRefusedError, TaskReport
from localcloud.runner.definitions import TaskDefinition, task_definition, with_overrides
from localcloud.runner.deployments import Deployments
from localcloud.runner.endpoint import TaskEndpoint
from localcloud.runner.launch import Runtime
from localcloud.runner.preparation import Surroundings, TaskIdentity
from localcloud.runner.roles import RoleSessions
from localcloud.runner.service import Launcher, Service, describe_services
from localcloud.runner.task import Ending, Task

BUSY_PAUSE, QUIET_PAUSE = 0.3, 1.0
"""Seconds between two turns while something changes, and while nothing does."""

STOPPED_EVERY = 10.0
"""Seconds between two looks for tasks that were told to stop before anybody ran them."""

STOP_PATIENCE = 125.0
"""Seconds for all tasks to end with the runner; Fargate's longest stopTimeout is 120."""

log = logging.getLogger("runner")


class Runner:
    """The scheduler and agent of every cluster."""

    def __init__(self, runtime: Runtime) -> None:
        self.services: dict[str, Service] = {}
        self.standalone: dict[str, Task] = {}
        self._runtime = runtime
        self._roles = RoleSessions()
        self._definitions: dict[str, TaskDefinition] = {}
        self._reports = {region: EcsReports(region=region) for region in regions.ALL}
        self._deployments = {region: Deployments(region) for region in regions.ALL}
        self._next_stopped = 0.0
        self.endpoint = TaskEndpoint(find=self.find)

    def find(self, task_id: str) -> Task | None:
        return next((task for task in self.all_tasks() if task.identity.id == task_id), None)

    def all_tasks(self) -> list[Task]:
        running = [task for service in list(self.services.values()) for task in list(service.tasks)]
        return [*running, *list(self.standalone.values())]

    def turn(self) -> float:
        """One turn; the seconds until the next one. Raises what boto3 and the report calls raise for no answer."""
        with_stopped = time.monotonic() >= self._next_stopped
        for region in regions.standing():
            clusters = aws.client("ecs", region).list_clusters()["clusterArns"]
            described = {
                service["serviceArn"]: service for cluster in clusters for service in describe_services(cluster, region)
            }
            self._services(region, described)
            for cluster in clusters:
                self._tasks(cluster, region, with_stopped=with_stopped)
        if with_stopped:
            self._next_stopped = time.monotonic() + STOPPED_EVERY
        for task in self.all_tasks():
            task.tell()
        for arn in [arn for arn, task in self.standalone.items() if task.told]:
            del self.standalone[arn]
        self._write_status()
        busy = self.standalone or any(service.busy for service in self.services.values())
        return BUSY_PAUSE if busy else QUIET_PAUSE

    # ---- services ----

    def _services(self, region: str, described: dict[str, dict[str, Any]]) -> None:
        for arn, description in described.items():
            service = self.services.setdefault(
                arn,
                Service(
                    region=region,
                    described=description,
                    launch=self._launcher(region),
                    deployments=self._deployments[region],
                ),
            )
            service.described = description
            self._turn(service)
        for arn, service in list(self.services.items()):
            if service.region == region and arn not in described:
                service.described = {**service.described, "deployments": []}
                self._turn(service)
                if not service.tasks:
                    del self.services[arn]

    def _turn(self, service: Service) -> None:
        try:
            service.turn(self._reports[service.region])
        except (ReportRefusedError, ClientError) as error:
            # A record that went away while we looked; another service's turn must not suffer.
            service.last_error = str(error)
            log.warning("%s: %s", service.name, error)

    def _launcher(self, region: str) -> Launcher:
        def launch(service: dict[str, Any], deployment: dict[str, Any], provider: str | None) -> Task:
            definition = self._definition(deployment["taskDefinition"], region)
            arn = self._reports[region].create_task(
                cluster=service["clusterArn"],
                service=service["serviceName"],
                deployment_id=deployment["id"],
                capacity_provider=provider,
            )
            group = f"service:{service['serviceName']}"
            return self._start(
                TaskIdentity(arn=arn, cluster=service["clusterArn"], region=region, group=group),
                definition,
                grace=float(service.get("healthCheckGracePeriodSeconds") or 0),
                deployment_id=deployment["id"],
                provider=provider,
            )

        return launch

    def _start(
        self,
        identity: TaskIdentity,
        definition: TaskDefinition,
        *,
        grace: float = 0.0,
        deployment_id: str = "",
        provider: str | None = None,
    ) -> Task:
        def report(message: TaskReport) -> bool:
            try:
                self._reports[identity.region].report_task(cluster=identity.cluster, report=message)
            except ReportRefusedError as error:
                log.warning("%s: %s", message.task_arn, error)
            except OSError:
                return False  # the emulator is away; it is told at a later turn
            return True

        surroundings = Surroundings(identity=identity, definition=definition, roles=self._roles, runtime=self._runtime)
        task = Task(
            surroundings=surroundings,
            report=report,
            grace=grace,
            deployment_id=deployment_id,
            capacity_provider=provider,
        )
        task.start()
        return task

    def _definition(self, arn: str, region: str) -> TaskDefinition:
        if arn not in self._definitions:
            described = aws.client("ecs", region).describe_task_definition(taskDefinition=arn)["taskDefinition"]
            self._definitions[arn] = task_definition(described)
        return self._definitions[arn]

    # ---- tasks of RunTask, StopTask on any, and what nobody runs ----

    def _tasks(self, cluster: str, region: str, *, with_stopped: bool) -> None:
        ecs = aws.client("ecs", region)
        arns = set(_list_tasks(cluster, region, "RUNNING"))
        known = {task.identity.arn: task for task in self.all_tasks() if task.identity.cluster == cluster}
        # Ours that ECS no longer wants to run, and those it wants that are not ours.
        questionable = arns ^ {arn for arn, task in known.items() if not task.stopping}
        if with_stopped:
            questionable |= set(_list_tasks(cluster, region, "STOPPED")) - known.keys()
        ordered = sorted(questionable)
        for start in range(0, len(ordered), 100):
            for described in ecs.describe_tasks(cluster=cluster, tasks=ordered[start : start + 100])["tasks"]:
                self._look_at(described, known.get(described["taskArn"]), region)

    def _look_at(self, described: dict[str, Any], task: Task | None, region: str) -> None:
        wanted = described["desiredStatus"] != "STOPPED"
        if task:
            if not wanted and not task.leaving:
                self._stop(task, described)
            return
        if described["lastStatus"] == "STOPPED":
            return
        group = described.get("group", "")
        if group.startswith("service:") or not wanted or described["lastStatus"] != "PROVISIONING":
            self._declare_dead(described, region)
            return
        identity = TaskIdentity(
            arn=described["taskArn"], cluster=described["clusterArn"], region=region, group=group or "standalone"
        )
        definition = self._definition(described["taskDefinitionArn"], region)
        self.standalone[identity.arn] = self._start(
            identity, with_overrides(definition, described.get("overrides") or {})
        )

    def _stop(self, task: Task, described: dict[str, Any]) -> None:
        ending = Ending(
            reason=described.get("stoppedReason") or "Task stopped by user",
            code=described.get("stopCode") or "UserInitiated",
        )
        service = next((s for s in self.services.values() if task in s.tasks), None)
        if service:
            service.retire(task, ending)
        else:
            task.stop(ending)

    def _declare_dead(self, described: dict[str, Any], region: str) -> None:
        """Nobody runs it: an earlier runner's, which ended with it, or one stopped before it began."""
        report = TaskReport(
            task_arn=described["taskArn"],
            last_status="STOPPED",
            stop_code=described.get("stopCode") or "TaskFailedToStart",
            stopped_reason=described.get("stoppedReason") or "The task runner was restarted",
        )
        try:
            self._reports[region].report_task(cluster=described["clusterArn"], report=report)
        except ReportRefusedError as error:
            log.warning("%s: %s", described["taskArn"], error)

    # ---- status and end ----

    def _write_status(self) -> None:
        services = [
            {
                "name": service.name,
                "cluster": service.cluster.rsplit("/", 1)[-1],
                "region": service.region,
                "desired": int(service.described["desiredCount"]),
                "running": sum(task.healthy for task in service.tasks),
                "restarts": service.restarts,
                "last_error": service.last_error,
            }
            for service in self.services.values()
        ]
        tasks = [
            {
                "id": task.identity.id,
                "group": task.identity.group,
                "status": task.status,
                "health": task.health,
                "ports": {str(container): host for container, host in task.host_ports.items()},
                "containers": {
                    name: {"pid": container.running.pid, "health": container.health, "exit_code": container.exit_code}
                    for name, container in list(task.containers.items())
                },
                "reason": task.ending.reason if task.ending else None,
            }
            for task in self.all_tasks()
        ]
        layout.write_private(_status_file(), json.dumps({"services": services, "tasks": tasks}, indent=1))

    def stop(self) -> None:
        """Stop every task as its definition allows, all at the same time."""
        tasks = self.all_tasks()
        for task in tasks:
            task.stop(Ending(reason="The local cloud is stopping", code="ServiceSchedulerInitiated"))
        deadline = time.monotonic() + STOP_PATIENCE
        for task in tasks:
            task.join(max(0.0, deadline - time.monotonic()))
        self._write_status()
        self.endpoint.close()


def _list_tasks(cluster: str, region: str, desired: str) -> list[str]:
    pages = aws.client("ecs", region).get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus=desired)
    return [arn for page in pages for arn in page["taskArns"]]


def _status_file() -> Path:
    return layout.folder("runner") / "status.json"


def disown_status() -> None:
    """What an earlier runner wrote of its tasks holds no more: none of them runs for now."""
    if not _status_file().exists():
        return
    services = json.loads(_status_file().read_text())["services"]
    for service in services:
        service |= {"running": 0, "last_error": "the task runner was restarted"}
    layout.write_private(_status_file(), json.dumps({"services": services, "tasks": []}, indent=1))
