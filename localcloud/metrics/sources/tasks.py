"""ECS: services as the API describes them, and the process trees of their tasks."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil

from localcloud import aws, regions
from localcloud.metrics import ecs
from localcloud.metrics.datum import Datum
from localcloud.metrics.processes import Usage, processor_between, usage
from localcloud.runner.processes import TASK_MARKER
from localcloud.runner.service import describe_services

_Record = dict[str, Any]

_LEAST_SECONDS = 10.0
"""A task that ran for less of a minute is left out: its start would be taken for its load."""

_DOCKER_PATIENCE = 5.0


@dataclass(frozen=True, kw_only=True)
class _Look:
    """At one moment: clusters with their services and running tasks, and what these had used, by task ARN."""

    at: float
    clusters: tuple[tuple[str, _Record, list[_Record], list[_Record]], ...] = ()
    """Region, cluster, services, tasks."""
    usages: Mapping[str, Usage] = field(default_factory=dict)


class Tasks:
    """Looks once a minute: utilization is the mean between two looks."""

    name = "tasks"
    every = 5.0
    delay = 0.0

    def __init__(self) -> None:
        self._last: _Look | None = None

    def sample(self) -> None:
        """The first look, from which the first minute is counted. Raises botocore's errors."""
        self._last = self._last or _look()

    def finish(self, minute: int) -> Iterator[list[Datum]]:
        before, now = self._last, _look()
        self._last = now
        for region, cluster, services, tasks in now.clusters:
            yield ecs.metrics(
                minute,
                ecs.Cluster(
                    name=cluster["clusterName"],
                    region=region,
                    insights=_insights(cluster),
                    services=tuple(_service(each) for each in services),
                    tasks=tuple(measured for task in tasks if before and (measured := _task(task, before, now))),
                ),
            )


def _look() -> _Look:
    clusters = []
    for region in regions.standing():
        client = aws.client("ecs", region)
        arns = client.list_clusters()["clusterArns"]
        described = client.describe_clusters(clusters=arns, include=["SETTINGS"])["clusters"] if arns else []
        for cluster in described:
            arn = cluster["clusterArn"]
            clusters.append((region, cluster, describe_services(arn, region), _running(arn, region)))
    usages = {}
    for *_, tasks in clusters:
        for task in tasks:
            used = usage(_processes(task))
            if used:
                usages[task["taskArn"]] = used
    return _Look(at=time.time(), clusters=tuple(clusters), usages=usages)


def _running(cluster: str, region: str) -> list[_Record]:
    client = aws.client("ecs", region)
    arns = [arn for page in client.get_paginator("list_tasks").paginate(cluster=cluster) for arn in page["taskArns"]]
    found: list[_Record] = []
    for start in range(0, len(arns), 100):
        found += client.describe_tasks(cluster=cluster, tasks=arns[start : start + 100])["tasks"]
    return [task for task in found if task["lastStatus"] == "RUNNING"]


def _task(task: _Record, before: _Look, now: _Look) -> ecs.Task | None:
    """None for a task whose processes are gone or have hardly begun."""
    arn = task["taskArn"]
    used = now.usages.get(arn)
    seconds = now.at - max(before.at, used.began) if used else 0.0
    if used is None or seconds < _LEAST_SECONDS:
        return None
    group = task.get("group", "")
    return ecs.Task(
        service=group.removeprefix("service:") if group.startswith("service:") else None,
        family=task["taskDefinitionArn"].rsplit("/", 1)[-1].rsplit(":", 1)[0],
        reserved_units=int(task["cpu"]),
        reserved_mib=int(task["memory"]),
        cores=processor_between(before.usages.get(arn), used) / seconds,
        memory=used.memory,
    )


def _service(described: _Record) -> ecs.Service:
    return ecs.Service(
        name=described["serviceName"],
        desired=described["desiredCount"],
        running=described["runningCount"],
        pending=described["pendingCount"],
        deployments=len(described["deployments"]),
    )


def _insights(cluster: _Record) -> bool:
    return any(each["name"] == "containerInsights" and each["value"] != "disabled" for each in cluster["settings"])


def _processes(task: _Record) -> list[int]:
    """The first process of each container."""
    names = [container["runtimeId"] for container in task["containers"] if container.get("runtimeId")]
    mine = [int(name) for name in names if name.isdigit()]
    task_id = task["taskArn"].rsplit("/", 1)[-1]
    return [pid for pid in mine if _belongs(pid, task_id)] + _of_docker([name for name in names if not name.isdigit()])


def _belongs(pid: int, task_id: str) -> bool:
    """A number outlives its process in ECS's records when the runner was killed; it may be another's by now."""
    try:
        variables: dict[str, str] = psutil.Process(pid).environ()
    except psutil.Error:
        return False
    return variables.get(TASK_MARKER) == task_id


def _of_docker(names: list[str]) -> list[int]:
    """Process ids of containers, on this machine."""
    if not names:
        return []
    asked = subprocess.run(
        ["docker", "inspect", "--format", "{{.State.Pid}}", *names],
        capture_output=True,
        text=True,
        timeout=_DOCKER_PATIENCE,
    )
    return [int(line) for line in asked.stdout.split() if line != "0"]
