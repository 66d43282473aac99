"""AWS/ECS and ECS/ContainerInsights, from services as ECS describes them and what their tasks use.

docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html and
docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html. Each task is one data point
a minute, so that Average, Minimum and Maximum are those over tasks and SampleCount is their number, as on AWS.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from localcloud.metrics.datum import Datum, Minute

NAMESPACE = "AWS/ECS"
INSIGHTS = "ECS/ContainerInsights"

_MIB = 1024**2
_UNITS = 1024
"""CPU units of a core."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A running task: reserved by its definition in CPU units and MiB, used in cores (mean of the minute) and bytes."""

    service: str | None
    family: str
    reserved_units: int
    reserved_mib: int
    cores: float
    memory: int


@dataclass(frozen=True, kw_only=True)
class Service:
    name: str
    desired: int
    running: int
    pending: int
    deployments: int


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """`insights`: whether Container Insights are on."""

    name: str
    region: str
    insights: bool
    services: tuple[Service, ...] = ()
    tasks: tuple[Task, ...] = ()


def metrics(minute: int, cluster: Cluster) -> list[Datum]:
    """Nothing for a service without running tasks but its counts, as on AWS."""
    into = Minute(namespace=NAMESPACE, region=cluster.region, start=minute)
    data: list[Datum] = []
    for service, tasks in _grouped((task.service, task) for task in cluster.tasks).items():
        if service:
            names = {"ClusterName": cluster.name, "ServiceName": service}
            processor = [100 * task.cores * _UNITS / task.reserved_units for task in tasks]
            memory = [100 * task.memory / (task.reserved_mib * _MIB) for task in tasks]
            data.append(into.values("CPUUtilization", processor, "Percent", **names))
            data.append(into.values("MemoryUtilization", memory, "Percent", **names))
    return data + (_insights(minute, cluster) if cluster.insights else [])


def _insights(minute: int, cluster: Cluster) -> list[Datum]:
    into = Minute(namespace=INSIGHTS, region=cluster.region, start=minute)
    of_cluster = {"ClusterName": cluster.name}
    data = [
        into.value("ServiceCount", len(cluster.services), "Count", **of_cluster),
        into.value("TaskCount", len(cluster.tasks), "Count", **of_cluster),
    ]
    for service in cluster.services:
        counts = {
            "DesiredTaskCount": service.desired,
            "RunningTaskCount": service.running,
            "PendingTaskCount": service.pending,
            "DeploymentCount": service.deployments,
        }
        data += [
            into.value(name, count, "Count", ServiceName=service.name, **of_cluster) for name, count in counts.items()
        ]
    if cluster.tasks:
        data += _usage(into, cluster.tasks, of_cluster)
    for name, tasks in _grouped((task.service, task) for task in cluster.tasks).items():
        if name:
            data += _usage(into, tasks, {"ServiceName": name, **of_cluster})
    for family, tasks in _grouped((task.family, task) for task in cluster.tasks).items():
        data += _usage(into, tasks, {"TaskDefinitionFamily": family or "", **of_cluster})
    return data


def _usage(into: Minute, tasks: Iterable[Task], dimensions: dict[str, str]) -> list[Datum]:
    tasks = list(tasks)
    return [
        into.values("CpuUtilized", [task.cores * _UNITS for task in tasks], "None", **dimensions),
        into.values("CpuReserved", [task.reserved_units for task in tasks], "None", **dimensions),
        into.values("MemoryUtilized", [task.memory / _MIB for task in tasks], "Megabytes", **dimensions),
        into.values("MemoryReserved", [task.reserved_mib for task in tasks], "Megabytes", **dimensions),
    ]


def _grouped(pairs: Iterable[tuple[str | None, Task]]) -> dict[str | None, list[Task]]:
    found: dict[str | None, list[Task]] = defaultdict(list)
    for key, task in pairs:
        found[key].append(task)
    return found
