"""Seconds of one operation on one resource (plan/data/durations.json), each with its source."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from plan.changes import Change, Kind
from plan.cost.compute import counts
from plan.cost.databases import source_of
from plan.cost.prices import UnpricedError
from preflight.assembly import Assembly, Resource
from preflight.values import boolean, entries, number, target, text

FILE = Path(__file__).resolve().parent.parent / "data" / "durations.json"

_TASK_SECONDS = 35 + 15 + 20
"""From the order to a started application: placement and network 35 s, 600 MB of image at 40 MB/s, 20 s to start."""

DEFERRED = frozenset({"AllocatedStorage", "DBInstanceClass", "EngineVersion", "Iops", "MultiAZ", "StorageType"})
"""What RDS does in the maintenance window when ApplyImmediately is false."""


@dataclass(frozen=True, kw_only=True)
class Duration:
    """Seconds, and where the numbers are from."""

    low: float
    typical: float
    high: float
    source: str
    confidence: str

    def __add__(self, other: Duration) -> Duration:
        return Duration(
            low=self.low + other.low,
            typical=self.typical + other.typical,
            high=self.high + other.high,
            source=self.source,
            confidence=self.confidence,
        )


@cache
def _data(file: Path = FILE) -> dict[str, Duration]:
    content = json.loads(file.read_text())
    return {
        key: Duration(
            low=entry["seconds"][0],
            typical=entry["seconds"][1],
            high=entry["seconds"][2],
            source=content["sources"][entry["source"]],
            confidence=entry["confidence"],
        )
        for key, entry in content["durations"].items()
    }


def duration(key: str, *others: str) -> Duration:
    """The first of these keys that is known (`AWS::RDS::DBInstance|create`), else that of other small resources."""
    known = _data()
    return next((known[one] for one in (key, *others) if one in known), known["other|any"])


def making(change: Change, assembly: Assembly) -> Duration:
    """What it takes to bring a resource to its new state; a replacement is made anew."""
    resource = change.resource
    made = change.kind in (Kind.ADDED, Kind.REPLACED)
    if resource.type == "AWS::ECS::Service" and not made:
        return rollout(resource, assembly)
    operation = _creation(resource) if made else _update(change)
    kind = resource.type
    plain = "create" if made or kind.startswith("AWS::IAM::") else "update"
    return duration(f"{kind}|{operation}", f"{kind}|{plain}", f"{kind}|any")


def removing(resource: Resource) -> Duration:
    """What it takes to delete a resource."""
    kind = resource.type
    if kind == "AWS::Lambda::Function" and not resource.get("VpcConfig").absent:
        return duration("AWS::Lambda::Function|delete_vpc")
    return duration(f"{kind}|delete", f"{kind}|any")


def _creation(resource: Resource) -> str:
    if resource.type == "AWS::RDS::DBInstance":
        if source_of(resource):
            return "create_read_replica"
        return "create_multi_az" if boolean(resource.get("MultiAZ")) else "create"
    if resource.type == "AWS::EC2::VPCEndpoint":
        return "create" if text(resource.get("VpcEndpointType")) == "Interface" else "create_gateway"
    if resource.type == "AWS::Lambda::Function" and not resource.get("VpcConfig").absent:
        return "create_vpc"
    return "create"


def _update(change: Change) -> str:
    names = {one.path[0] for one in change.differences}
    resource = change.resource
    if resource.type == "AWS::ElastiCache::ReplicationGroup" and "CacheNodeType" in names:
        return "update_node_type"
    if resource.type != "AWS::RDS::DBInstance" or boolean(resource.get("ApplyImmediately")) is False:
        return "update"
    if "EngineVersion" in names and change.before:
        old, new = (text(one.get("EngineVersion")) or "" for one in (change.before, resource))
        return "update_engine_minor" if old.split(".")[0] == new.split(".")[0] else "update_engine_major"
    if "DBInstanceClass" in names:
        return "update_class_multi_az" if boolean(resource.get("MultiAZ")) else "update_class_single_az"
    if "MultiAZ" in names:
        return "update_multi_az_on"
    return "update_storage_or_iops" if names & {"AllocatedStorage", "Iops", "StorageType"} else "update"


def rollout(service: Resource, assembly: Assembly) -> Duration:
    """A new task definition on a running service: waves of tasks, health checks, drain, and what bakes."""
    settings = service.get("DeploymentConfiguration")
    try:
        desired = max(1.0, counts(service, assembly)[0])
    except UnpricedError:
        desired = 1.0
    at_once = max(1.0, math.floor(desired * ((number(settings.get("MaximumPercent")) or 200) - 100) / 100))
    healthy, drain = 30.0, 30.0
    for balancer in entries(service.get("LoadBalancers")):
        if group := target(balancer.get("TargetGroupArn"), "AWS::ElasticLoadBalancingV2::TargetGroup"):
            healthy = _number(group, "HealthyThresholdCount", 5) * _number(group, "HealthCheckIntervalSeconds", 30)
            drain = _drain(group)
    typical = math.ceil(desired / at_once) * (_TASK_SECONDS + healthy) + drain + 15
    baked = 60 * (
        (number(settings.get("BakeTimeInMinutes")) or 0)
        + (number(settings.get("CanaryConfiguration", "CanaryBakeTimeInMinutes")) or 0)
    )
    known = _data()["AWS::ECS::Service|update_rolling"]
    return Duration(
        low=typical * known.low / known.typical + baked,
        typical=typical + baked,
        high=typical * known.high / known.typical + baked,
        source=known.source,
        confidence=known.confidence,
    )


def _number(resource: Resource, name: str, default: float) -> float:
    found = number(resource.get(name))
    return default if found is None else found


def _drain(group: Resource) -> float:
    """Seconds that a target drains: Elastic Load Balancing's default is 300."""
    for attribute in entries(group.get("TargetGroupAttributes")):
        if attribute.get("Key").value == "deregistration_delay.timeout_seconds":
            return number(attribute.get("Value")) or 0.0
    return 300.0
