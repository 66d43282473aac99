"""ECS on Fargate: vCPU and memory by the hour, between the least and the largest number of tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plan.cost.lines import Costing, Line, priced
from plan.cost.prices import HOURS, UnpricedError
from plan.cost.values import number
from preflight.assembly import Assembly, Resource, references_in
from preflight.values import entries, target, text

_SERVICE = "Fargate"


@priced("AWS::ECS::Service")
def _service(resource: Resource, costing: Costing) -> Iterator[Line]:
    task = target(resource.get("TaskDefinition"), "AWS::ECS::TaskDefinition")
    if task is None:
        raise UnpricedError("its task definition is not in the assembly")
    vcpu, gb = number(task.get("Cpu")) / 1024, number(task.get("Memory")) / 1024
    arm = text(task.get("RuntimePlatform", "CpuArchitecture")) == "ARM64"
    least, most = counts(resource, costing.assembly)
    for spot in (False, True):
        few, many = (_of_kind(resource, count, spot=spot) for count in (least, most))
        if not many:
            continue
        discount = costing.usage.spot_discount_percent
        kind = "Spot" if spot else "On-Demand"
        tasks = f"{few:g}" if few == many else f"{few:g} to {many:g}"
        said = f"{tasks} tasks of {vcpu:g} vCPU and {gb:g} GB, all hours"
        if spot:
            said += f"; Spot at {discount} % off (usage.spot_discount_percent), AWS promises none"
        for unit, size in (("vcpu", vcpu), ("gb", gb)):
            yield costing.line(
                resource,
                _SERVICE,
                f"{kind} {'vCPU' if unit == 'vcpu' else 'memory'}, {'arm64' if arm else 'x86'}",
                f"fargate.{'arm64' if arm else 'x86'}.{unit}",
                few * size * HOURS,
                most=many * size * HOURS,
                factor=1 - discount / 100 if spot else 1.0,
                assumption=said,
            )


def counts(service: Resource, assembly: Assembly) -> tuple[float, float]:
    """The least and the largest number of tasks: of what scales it, else its desired count, else 1."""
    for scaled in assembly.of_type("AWS::ApplicationAutoScaling::ScalableTarget"):
        if service in references_in(scaled.get("ResourceId").value):
            return number(scaled.get("MinCapacity")), number(scaled.get("MaxCapacity"))
    desired = number(service.get("DesiredCount"), 1)
    return desired, desired


def _of_kind(service: Resource, count: float, *, spot: bool) -> float:
    """How many of `count` tasks run On-Demand or on Spot: bases first, the rest by weight."""
    strategy: list[Any] = [entry.value for entry in entries(service.get("CapacityProviderStrategy"))]
    strategy = [one for one in strategy if isinstance(one, dict)]
    if not strategy:
        return 0.0 if spot else count
    base = min(sum(float(one.get("Base", 0)) for one in strategy), count)
    weights = sum(float(one.get("Weight", 0)) for one in strategy) or 1.0
    found = 0.0
    for one in strategy:
        if (one.get("CapacityProvider") == "FARGATE_SPOT") is spot:
            found += min(float(one.get("Base", 0)), base) + (count - base) * float(one.get("Weight", 0)) / weights
    return found


@priced("AWS::ECS::Cluster")
def _cluster(resource: Resource, _: Costing) -> Iterator[Line]:
    settings = {one.get("Name").value: one.get("Value").value for one in entries(resource.get("ClusterSettings"))}
    if settings.get("containerInsights") in ("enabled", "enhanced"):
        raise UnpricedError("Container Insights bills by the metrics of running tasks; how many is not known")
    yield from ()
