"""How ECS places and replaces a service's tasks."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.ecs_containers import by_name
from preflight.rules.ecs_services import GUIDE, SERVICE, on_fargate, strategy, task_definition
from preflight.values import Node, entries, integer, is_unknown, text


@rule(
    "ECS-202",
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A load balancer entry names a container of the task and a port that it has",
    otherwise='CreateService refuses: "did not have a container port … defined" or "does not exist in the task '
    'definition".',
    remedy="Correct ContainerName and ContainerPort, or add the port to PortMappings.",
    source="https://github.com/pulumi/pulumi-awsx/issues/1172",
    types=(SERVICE,),
)
def balanced_port(service: Resource) -> Iterator[Fault]:
    task = task_definition(service)
    known = by_name(task) if task else None
    for entry in entries(service.get("LoadBalancers")) if known is not None else []:
        name, port = text(entry.get("ContainerName")), integer(entry.get("ContainerPort"))
        container = known.get(name) if known is not None and name is not None else None
        if name is not None and container is None:
            yield Fault(at=entry.path("ContainerName"), message=f"the task has no container {name}")
        ports = _ports(container) if container else None
        if port is not None and ports is not None and port not in ports:
            yield Fault(at=entry.path("ContainerPort"), message=f"{name} has no port {port}")


@rule(
    "ECS-205",
    severity=Severity.OUTAGE,
    confidence=Confidence.DOCUMENTED,
    title="A rolling update may either stop a task or start one more",
    otherwise="With MaximumPercent 100 and MinimumHealthyPercent 100 (its default) no task can be replaced: the "
    "update waits until it times out.",
    remedy="Raise MaximumPercent above 100, or lower MinimumHealthyPercent.",
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html",
    types=(SERVICE,),
)
def room_to_roll(service: Resource) -> Iterator[Fault]:
    most, least = (service.get("DeploymentConfiguration", f"{key}Percent") for key in ("Maximum", "MinimumHealthy"))
    highest, lowest = integer(most), 100 if least.absent else integer(least)
    replicas = service.get("SchedulingStrategy").absent or text(service.get("SchedulingStrategy")) == "REPLICA"
    if not replicas or strategy(service) != "ROLLING" or highest is None or lowest is None:
        return
    if highest <= 100 <= lowest:
        yield Fault(at=str(most), message=f"at most {highest} % of the tasks, and at least {lowest} %")


@rule(
    "ECS-205b",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Availability Zone rebalancing needs room for one more task, and no Classic Load Balancer",
    otherwise="CreateService refuses: rebalancing starts the new task before it stops the old one.",
    remedy="Raise MaximumPercent above 100, or set AvailabilityZoneRebalancing: DISABLED.",
    source=f"{GUIDE}/service-rebalancing.html",
    types=(SERVICE,),
)
def rebalancing(service: Resource) -> Iterator[Fault]:
    if text(service.get("AvailabilityZoneRebalancing")) != "ENABLED":
        return
    node = service.get("DeploymentConfiguration", "MaximumPercent")
    most = integer(node)
    if most is not None and most <= 100:
        yield Fault(at=str(node), message=f"MaximumPercent {most} with rebalancing")
    for entry in entries(service.get("LoadBalancers")):
        if text(entry.get("LoadBalancerName")) is not None:
            yield Fault(at=entry.path("LoadBalancerName"), message="a Classic Load Balancer with rebalancing")


@rule(
    "ECS-206",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="There are no DAEMON services on Fargate",
    otherwise="CreateService refuses the service.",
    remedy="Use REPLICA, or run the service on EC2.",
    source=f"{GUIDE}/ecs_service-options.html",
    types=(SERVICE,),
)
def daemon(service: Resource) -> Iterator[Fault]:
    if text(service.get("SchedulingStrategy")) == "DAEMON" and on_fargate(service):
        yield Fault(at="SchedulingStrategy", message="DAEMON on Fargate")


def _ports(container: Node) -> set[int] | None:
    """Container ports that are mapped; None where one is not known, or is in a range."""
    found: set[int] = set()
    mappings = container.get("PortMappings")
    for mapping in entries(mappings):
        port = integer(mapping.get("ContainerPort"))
        if port is None:
            return None
        found.add(port)
    return None if is_unknown(mappings) else found
