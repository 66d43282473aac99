"""The runner: every half second, brings tasks closer to what ECS wants in every region."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from types import FrameType
from typing import Any

import psutil
from botocore.exceptions import BotoCoreError, ClientError

from localcloud import aws, layout, strays
from localcloud.emulator.ecs_reports import EcsReports, ReportRefusedError, TaskReport
from localcloud.runner.container import TASK_MARKER
from localcloud.runner.definitions import TaskDefinition, task_definition, with_overrides
from localcloud.runner.endpoint import TaskEndpoint
from localcloud.runner.roles import RoleSessions
from localcloud.runner.service import Service, describe_services
from localcloud.runner.task import Task, TaskIdentity

INTERVAL = 0.5
"""Seconds between two turns."""

log = logging.getLogger("runner")


class Runner:
    """All services and standalone tasks of all regions."""

    def __init__(self) -> None:
        self.roles = RoleSessions()
        self.services: dict[str, Service] = {}
        self.standalone: dict[str, Task] = {}
        self._definitions: dict[str, TaskDefinition] = {}
        self._reports: dict[str, EcsReports] = {}
        self._unsent: dict[str, tuple[Task, TaskReport]] = {}
        self.endpoint = TaskEndpoint(find=self.find, roles=self.roles)

    def find(self, task_id: str) -> Task | None:
        return next((task for task in self.all_tasks() if task.identity.id == task_id), None)

    def all_tasks(self) -> list[Task]:
        return [
            *(task for service in list(self.services.values()) for task in service.tasks),
            *self.standalone.values(),
        ]

    def turn(self) -> None:
        for region in aws.REGIONS:
            self._services(region)
            self._standalone(region)
        self._resend()
        self._write_status()

    # ---- services ----

    def _services(self, region: str) -> None:
        described = {service["serviceArn"]: service for service in describe_services(region)}
        for arn, service in list(self.services.items()):
            if service.region == region and arn not in described:
                service.described = {**service.described, "deployments": []}
                service.turn(self.reports(region))
                if not service.tasks:
                    del self.services[arn]
        for arn, description in described.items():
            service = self.services.setdefault(
                arn, Service(region=region, described=description, launch=self._launcher(region))
            )
            service.described = description
            try:
                service.turn(self.reports(region))
            except (ReportRefusedError, ClientError) as error:
                log.warning("%s: %s", service.name, error)

    def _launcher(self, region: str) -> Any:
        def launch(service: dict[str, Any], deployment: dict[str, Any]) -> Task:
            arn = self.reports(region).create_task(
                cluster=service["clusterArn"], service=service["serviceName"], deployment_id=deployment["id"]
            )
            identity = TaskIdentity(
                arn=arn, cluster=service["clusterArn"], region=region, group=f"service:{service['serviceName']}"
            )
            definition = self._definition(deployment["taskDefinition"], region)
            return self._start(Task(identity, definition, self.roles, self._reporter(region), deployment["id"]))

        return launch

    def _start(self, task: Task) -> Task:
        task.start()
        return task

    def _definition(self, arn: str, region: str) -> TaskDefinition:
        if arn not in self._definitions:
            described = aws.client("ecs", region).describe_task_definition(taskDefinition=arn)["taskDefinition"]
            self._definitions[arn] = task_definition(described)
        return self._definitions[arn]

    # ---- tasks of RunTask, and StopTask on any ----

    def _standalone(self, region: str) -> None:
        ecs = aws.client("ecs", region)
        for cluster in ecs.list_clusters()["clusterArns"]:
            arns = ecs.list_tasks(cluster=cluster)["taskArns"]
            arns += ecs.list_tasks(cluster=cluster, desiredStatus="STOPPED")["taskArns"]
            for start in range(0, len(arns), 100):
                for described in ecs.describe_tasks(cluster=cluster, tasks=arns[start : start + 100])["tasks"]:
                    self._look_at(described, region)
        for arn in [arn for arn, task in self.standalone.items() if task.over]:
            del self.standalone[arn]

    def _look_at(self, described: dict[str, Any], region: str) -> None:
        task = self.find(described["taskArn"].rsplit("/", 1)[-1])
        if task and described["desiredStatus"] == "STOPPED":
            task.stop(described.get("stoppedReason") or "Task stopped by user", "UserInitiated")
        if task or described["lastStatus"] == "STOPPED":
            return
        group = described.get("group", "")
        if (
            group.startswith("service:")
            or described["desiredStatus"] == "STOPPED"
            or described["lastStatus"] != "PROVISIONING"
        ):
            # Nobody runs it: what an earlier runner left is over.
            self._declare_dead(described, region)
            return
        identity = TaskIdentity(
            arn=described["taskArn"], cluster=described["clusterArn"], region=region, group=group or "standalone"
        )
        definition = with_overrides(
            self._definition(described["taskDefinitionArn"], region), described.get("overrides", {})
        )
        self.standalone[identity.arn] = self._start(Task(identity, definition, self.roles, self._reporter(region)))

    def _declare_dead(self, described: dict[str, Any], region: str) -> None:
        report = TaskReport(
            task_arn=described["taskArn"],
            last_status="STOPPED",
            stop_code="TaskFailedToStart",
            stopped_reason="The task runner was restarted",
        )
        try:
            self.reports(region).report_task(cluster=described["clusterArn"], report=report)
        except ReportRefusedError as error:
            log.warning("%s: %s", described["taskArn"], error)

    # ---- reports ----

    def reports(self, region: str) -> EcsReports:
        if region not in self._reports:
            self._reports[region] = EcsReports(region=region)
        return self._reports[region]

    def _reporter(self, region: str) -> Any:
        def report(message: TaskReport) -> None:
            task = self.find(message.task_arn.rsplit("/", 1)[-1])
            cluster = task.identity.cluster if task else message.task_arn.split("/")[1]
            try:
                self.reports(region).report_task(cluster=cluster, report=message)
                self._unsent.pop(message.task_arn, None)
            except ReportRefusedError as error:
                log.warning("%s: %s", message.task_arn, error)
            except OSError:
                if task:
                    self._unsent[message.task_arn] = (task, message)

        return report

    def _resend(self) -> None:
        for task, message in list(self._unsent.values()):
            self._reporter(task.identity.region)(message)

    # ---- status, start and end ----

    def _write_status(self) -> None:
        services = [
            {
                "name": service.name,
                "desired": int(service.described["desiredCount"]),
                "running": sum(task.healthy for task in service.tasks),
                "restarts": service.restarts,
                "last_error": service.last_error,
            }
            for service in self.services.values()
        ]
        layout.write_private(layout.folder("runner") / "status.json", json.dumps({"services": services}))

    def stop(self) -> None:
        """Stop every task as its definition allows, all at the same time."""
        tasks = self.all_tasks()
        for task in tasks:
            task.stop("The local cloud is stopping", "ServiceSchedulerInitiated")
        deadline = time.monotonic() + 130
        for task in tasks:
            task.join(max(0.0, deadline - time.monotonic()))
        self.endpoint.close()


def end_leftovers() -> None:
    """A runner that was killed leaves its containers: there must never be two sets of them."""
    found: list[psutil.Process] = []
    for process in strays.find():
        try:
            if TASK_MARKER in process.environ():
                found.append(process)
        except psutil.Error:
            continue
    if found:
        log.warning("ending %d processes of an earlier runner", len(found))
        strays.end(found, patience=10)


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    os.umask(0o077)
    end_leftovers()
    runner = Runner()
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while not stopping:
        try:
            runner.turn()
        except (ClientError, BotoCoreError, OSError) as error:
            # Tasks outlive the control plane; they are looked at again when it answers.
            log.warning("the AWS API does not answer: %s", error)
        time.sleep(INTERVAL)
    runner.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
