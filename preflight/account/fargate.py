"""Fargate vCPUs: what the services may reach at their largest, with both colours of a rollout running."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from preflight.account.answer import Answer, unchecked
from preflight.account.api import Account
from preflight.account.quota import compare, increase, quota, used
from preflight.account.registry import check
from preflight.assembly import Assembly, Resource
from preflight.values import Node, entries, integer, target, text

ON_DEMAND, SPOT = "FARGATE", "FARGATE_SPOT"
CODES = {ON_DEMAND: "L-3032A538", SPOT: "L-36FBB829"}
DOUBLED = frozenset({"BLUE_GREEN", "CANARY", "LINEAR"})
"""Deployment strategies that run the old and the new revision whole, side by side."""
DEFAULT_TASK_CPU = 256


@dataclass(frozen=True)
class Demand:
    on_demand: float
    spot: float
    tasks: int
    rollout: float
    """How many times the tasks run while a rollout is under way."""


@check("quota-fargate", title="The Fargate vCPU quotas hold the services at their largest", constraints=(16, 139))
def fargate(account: Account, assembly: Assembly) -> Iterator[Answer]:
    services = account.by_region(assembly, "AWS::ECS::Service")

    def in_region(region: str) -> Iterator[Answer]:
        needed: dict[str, float] = defaultdict(float)
        sums: dict[str, list[str]] = defaultdict(list)
        for service in services[region]:
            if not _on_fargate(service):
                continue
            demand = _demand(service, assembly)
            if demand is None:
                yield unchecked(
                    service.construct_path, "its CPU, count or capacity providers cannot be read from the template"
                )
                continue
            for kind, vcpus in ((ON_DEMAND, demand.on_demand), (SPOT, demand.spot)):
                if vcpus:
                    needed[kind] += vcpus
                    sums[kind].append(f"{vcpus:g} {service.logical_id}")
        own = _running(account, region, services[region]) if needed else {}
        for kind, vcpus in sorted(needed.items()):
            limit = quota(account, region, "fargate", CODES[kind])
            in_use = used(account, region, limit)
            others = max(0.0, (in_use or 0.0) - own.get(kind, 0.0))
            unknown = "" if in_use is not None else "; CloudWatch has no figure of what else runs"
            yield compare(
                f"{region} {kind}",
                needed=vcpus,
                in_use=others,
                limit=limit.value,
                unit="vCPUs",
                note=f"during a rollout at full scale: {' + '.join(sums[kind])}{unknown}",
                remedy=increase(region, "fargate", CODES[kind], math.ceil(others + vcpus))
                + ", or lower the services' maximum counts",
            )

    yield from account.each(sorted(services), in_region)


def _demand(service: Resource, assembly: Assembly) -> Demand | None:
    cpu = _cpu(service)
    tasks = _largest_count(service, assembly)
    strategy = _strategy(service)
    if cpu is None or tasks is None or strategy is None:
        return None
    rollout = _rollout(service)
    on_demand, spot = _split(strategy, tasks)
    return Demand(on_demand * cpu * rollout, spot * cpu * rollout, tasks, rollout)


def _cpu(service: Resource) -> float | None:
    definition = target(service.get("TaskDefinition"), "AWS::ECS::TaskDefinition")
    if definition is None:
        return None
    cpu = definition.get("Cpu")
    if cpu.absent:
        return DEFAULT_TASK_CPU / 1024
    written = (text(cpu) or "").strip().lower().removesuffix("vcpu").strip()
    if written != (text(cpu) or "").strip().lower():
        return float(written) if written.replace(".", "", 1).isdigit() else None
    units = integer(cpu)
    return units / 1024 if units is not None else None


def _largest_count(service: Resource, assembly: Assembly) -> int | None:
    """The scalable target's maximum, or the desired count, which is 1 when it is not given."""
    for scalable in assembly.of_type("AWS::ApplicationAutoScaling::ScalableTarget"):
        if text(scalable.get("ServiceNamespace")) == "ecs" and service in _referred(scalable, service):
            return integer(scalable.get("MaxCapacity"))
    desired = service.get("DesiredCount")
    return 1 if desired.absent else integer(desired)


def _referred(scalable: Resource, service: Resource) -> list[Resource]:
    """The service when the target's resource id refers to it, or spells its name."""
    if scalable in service.referrers:
        return [service]
    name, spelled = text(service.get("ServiceName")), text(scalable.get("ResourceId"))
    return [service] if name and spelled and spelled.endswith(f"/{name}") else []


def _rollout(service: Resource) -> float:
    configured = service.get("DeploymentConfiguration")
    if (
        text(configured.get("Strategy")) in DOUBLED
        or text(service.get("DeploymentController", "Type")) == "CODE_DEPLOY"
    ):
        return 2.0
    percent = integer(configured.get("MaximumPercent"))
    return (200 if percent is None else percent) / 100


def _on_fargate(service: Resource) -> bool:
    """Whether the service could run on Fargate; a service whose launch type says EC2 or EXTERNAL does not."""
    if text(service.get("LaunchType")) in {"EC2", "EXTERNAL"} or text(service.get("SchedulingStrategy")) == "DAEMON":
        return False
    strategy = _strategy(service)
    return strategy is None or any(provider in CODES for provider, _, _ in strategy)


def _strategy(service: Resource) -> list[tuple[str, int, int]] | None:
    """(provider, base, weight) of each provider; empty when the cluster's default is EC2, None when not decidable."""
    if text(service.get("LaunchType")) == "FARGATE":
        return [(ON_DEMAND, 0, 1)]
    items = entries(service.get("CapacityProviderStrategy")) or _cluster_default(service)
    strategy = []
    for item in items:
        provider = text(item.get("CapacityProvider"))
        if provider is None:
            return None
        strategy.append((provider, integer(item.get("Base")) or 0, integer(item.get("Weight")) or 0))
    return strategy


def _cluster_default(service: Resource) -> list[Node]:
    cluster = target(service.get("Cluster"), "AWS::ECS::Cluster")
    if cluster is None:
        return []
    default = entries(cluster.get("DefaultCapacityProviderStrategy"))
    for association in cluster.referrers:
        if association.type == "AWS::ECS::ClusterCapacityProviderAssociations":
            default = default or entries(association.get("DefaultCapacityProviderStrategy"))
    return default


def _split(strategy: list[tuple[str, int, int]], tasks: int) -> tuple[int, int]:
    """Tasks (on demand, on Spot): first the base, then the rest by weight, rounded up as either may get the odd one."""
    counts = dict.fromkeys(CODES, 0)
    left = tasks
    for provider, base, _ in strategy:
        based = min(base, left)
        left -= based
        if provider in counts:
            counts[provider] += based
    weights = sum(weight for _, _, weight in strategy)
    for provider, _, weight in strategy:
        if provider in counts and weights:
            counts[provider] += math.ceil(left * weight / weights)
    return counts[ON_DEMAND], counts[SPOT]


def _running(account: Account, region: str, services: list[Resource]) -> dict[str, float]:
    """vCPUs that these very services use now: they are in the usage metric and in the need, and count once."""
    running: dict[str, float] = defaultdict(float)
    by_cluster: dict[str, list[str]] = defaultdict(list)
    cpus: dict[str, float] = {}
    for service in services:
        arn, cpu = account.physical(service), _cpu(service)
        parts = (arn or "").split("/")
        if arn and cpu is not None and len(parts) == 3:
            by_cluster[parts[1]].append(arn)
            cpus[arn] = cpu
    for cluster, arns in by_cluster.items():
        for start in range(0, len(arns), 10):
            found = account.ask(
                "ecs",
                "DescribeServices",
                region=region,
                absent=("ClusterNotFoundException",),
                cluster=cluster,
                services=arns[start : start + 10],
            )
            for described in (found or {}).get("services", []):
                count = described.get("runningCount", 0)
                providers = [
                    (item["capacityProvider"], item.get("base", 0), item.get("weight", 0))
                    for item in described.get("capacityProviderStrategy", [])
                ] or [(ON_DEMAND, 0, 1)]
                on_demand, spot = _split(providers, count)
                running[ON_DEMAND] += on_demand * cpus.get(described.get("serviceArn", ""), 0.0)
                running[SPOT] += spot * cpus.get(described.get("serviceArn", ""), 0.0)
    return running
