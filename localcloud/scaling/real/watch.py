"""What the AWS API says while the load runs: counts of tasks by the second, CPU by the minute."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localcloud import aws, regions
from localcloud.console import LocalCloudError
from localcloud.scaling.model import CPU

_EVERY = 2.0


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """A deployed service: where it is, and the load balancer's address."""

    region: str
    cluster: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Count:
    """Tasks at a moment (Unix time)."""

    at: float
    desired: int
    running: int


def deployed(container: str) -> Deployed:
    """The service whose load balancer leads to a container of this name. Raises LocalCloudError without one."""
    for region in regions.standing():
        ecs = aws.client("ecs", region)
        for cluster in ecs.list_clusters()["clusterArns"]:
            names = ecs.list_services(cluster=cluster)["serviceArns"]
            for one in ecs.describe_services(cluster=cluster, services=names)["services"] if names else []:
                if any(balancer.get("containerName") == container for balancer in one.get("loadBalancers", [])):
                    return Deployed(region=region, cluster=cluster.rsplit("/", 1)[-1], name=one["serviceName"])
    raise LocalCloudError(f"no running service has a container {container}", remedy="run: make up")


class Watch:
    """Counts in a thread, from `start` to `stop`."""

    def __init__(self, service: Deployed) -> None:
        self.counts: list[Count] = []
        self._service = service
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_EVERY):
            self.counts.append(count(self._service))


def count(service: Deployed) -> Count:
    """As ECS describes it now."""
    ecs = aws.client("ecs", service.region)
    (found,) = ecs.describe_services(cluster=service.cluster, services=[service.name])["services"]
    return Count(at=time.time(), desired=found["desiredCount"], running=found["runningCount"])


def cpu(service: Deployed, *, begin: float, end: float) -> dict[int, float]:
    """CPUUtilization in percent by the start of its minute (Unix time)."""
    points = aws.client("cloudwatch", service.region).get_metric_statistics(
        Namespace="AWS/ECS",
        MetricName=CPU,
        Dimensions=[
            {"Name": "ClusterName", "Value": service.cluster},
            {"Name": "ServiceName", "Value": service.name},
        ],
        StartTime=datetime.fromtimestamp(begin, UTC),
        EndTime=datetime.fromtimestamp(end, UTC),
        Period=60,
        Statistics=["Average"],
    )["Datapoints"]
    return {int(point["Timestamp"].timestamp()): float(point["Average"]) for point in points}


def activities(service: Deployed, *, since: float) -> Sequence[dict[str, Any]]:
    """Scaling activities, the latest first, as Application Auto Scaling tells them."""
    found = aws.client("application-autoscaling", service.region).describe_scaling_activities(
        ServiceNamespace="ecs", ResourceId=f"service/{service.cluster}/{service.name}"
    )["ScalingActivities"]
    return [one for one in found if one["StartTime"].timestamp() >= since]
