"""Services and their tasks' usage as data of AWS/ECS and ECS/ContainerInsights."""

from __future__ import annotations

from dataclasses import replace

from localcloud.metrics import ecs
from localcloud.metrics.ecs import Cluster, Service, Task

from .support import values

MIB = 1024**2
WEB = {"ClusterName": "c", "ServiceName": "web"}
CLUSTER = Cluster(
    name="c",
    region="us-east-1",
    insights=True,
    services=(
        Service(name="web", desired=3, running=2, pending=1, deployments=2),
        Service(name="worker", desired=1, running=0, pending=1, deployments=1),
    ),
    tasks=(
        Task(service="web", family="w", reserved_units=512, reserved_mib=1000, cores=0.25, memory=100 * MIB),
        Task(service="web", family="w", reserved_units=512, reserved_mib=1000, cores=0.5, memory=300 * MIB),
        Task(service=None, family="migration", reserved_units=256, reserved_mib=512, cores=0.1, memory=50 * MIB),
    ),
)


def test_utilization_is_the_share_of_what_the_definition_reserves_a_point_for_each_task() -> None:
    data = ecs.metrics(0, CLUSTER)
    assert values(data, "CPUUtilization", **WEB) == [50, 100]
    assert values(data, "MemoryUtilization", **WEB) == [10, 30]
    services = {dict(datum.dimensions).get("ServiceName") for datum in data if datum.namespace == ecs.NAMESPACE}
    assert services == {"web"}  # nothing of a service without running tasks, nor of tasks without a service


def test_more_than_reserved_is_more_than_100_percent() -> None:
    busy = replace(CLUSTER.tasks[0], cores=1.0)
    assert values(ecs.metrics(0, replace(CLUSTER, tasks=(busy,))), "CPUUtilization", **WEB) == [200]


def test_insights_count_tasks_where_they_are_on() -> None:
    data = ecs.metrics(0, CLUSTER)
    counts = {name: values(data, name, **WEB) for name in ("DesiredTaskCount", "RunningTaskCount", "PendingTaskCount")}
    assert counts == {"DesiredTaskCount": [3], "RunningTaskCount": [2], "PendingTaskCount": [1]}
    assert values(data, "DeploymentCount", **WEB) == [2]
    assert values(data, "TaskCount", ClusterName="c") == [3]
    assert values(data, "CpuUtilized", ClusterName="c", TaskDefinitionFamily="migration") == [102.4]
    assert values(data, "CpuUtilized", **WEB) == [256, 512]
    assert values(data, "MemoryReserved", ClusterName="c") == [512, 1000, 1000]
    off = ecs.metrics(0, replace(CLUSTER, insights=False))
    assert {datum.namespace for datum in off} == {ecs.NAMESPACE}
