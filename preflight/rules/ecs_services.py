"""ECS services: what they run on and what they refer to. The other ECS topics share the readers at the top."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Level, Severity, rule
from preflight.rules.ordering import waits_for
from preflight.values import Node, entries, integer, is_unknown, target, text

SERVICE = "AWS::ECS::Service"
TASK_DEFINITION = "AWS::ECS::TaskDefinition"
CLUSTER = "AWS::ECS::Cluster"
CAPACITY_PROVIDER = "AWS::ECS::CapacityProvider"
ASSOCIATIONS = "AWS::ECS::ClusterCapacityProviderAssociations"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
SHIFTING = frozenset({"BLUE_GREEN", "LINEAR", "CANARY"})
_FARGATE = frozenset({"FARGATE", "FARGATE_SPOT"})
_BEFORE_1_4 = frozenset({"1.0.0", "1.1.0", "1.2.0", "1.3.0"})
API = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference"
GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide"
REGISTER = "RegisterTaskDefinition refuses the revision, and the stack rolls back."


def strategy(service: Resource) -> str | None:
    """How ECS rolls the service out; None where CodeDeploy or another controller does, or where it is not decided."""
    controller = service.get("DeploymentController", "Type")
    if not controller.absent and text(controller) != "ECS":
        return None
    if service.get("DeploymentConfiguration", "Strategy").absent:
        return "ROLLING"
    return text(service.get("DeploymentConfiguration", "Strategy"))


def shifts_traffic(service: Resource) -> bool:
    return strategy(service) in SHIFTING


def task_definition(service: Resource) -> Resource | None:
    return target(service.get("TaskDefinition"), TASK_DEFINITION)


def provider(item: Node) -> Resource | str | None:
    """A capacity provider as a resource where there is one, otherwise by name."""
    named = item.get("CapacityProvider") if isinstance(item.value, dict) else item
    return target(named, CAPACITY_PROVIDER) or text(named)


def on_fargate(service: Resource) -> bool:
    if text(service.get("LaunchType")) == "FARGATE":
        return True
    providers = [provider(item) for item in entries(service.get("CapacityProviderStrategy"))]
    return bool(providers) and all(isinstance(name, str) and name in _FARGATE for name in providers)


def old_platform(service: Resource) -> str | None:
    """The Fargate platform version where it is older than 1.4.0, which most newer features ask for."""
    version = text(service.get("PlatformVersion"))
    return version if version in _BEFORE_1_4 else None


@rule(
    "ECS-18",
    constraint=18,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A service has a launch type or a capacity provider strategy, not both",
    otherwise="CreateService refuses the service, and the stack rolls back.",
    remedy="Drop LaunchType and keep CapacityProviderStrategy, or the other way round.",
    source=f"{API}/API_CreateService.html",
    types=(SERVICE,),
)
def launch_type_and_strategy(service: Resource) -> Iterator[Fault]:
    launch, items = service.get("LaunchType"), service.get("CapacityProviderStrategy")
    if text(launch) is not None and entries(items) and not is_unknown(items):
        yield Fault(at=str(launch), message=f"LaunchType {text(launch)} beside a CapacityProviderStrategy")


@rule(
    "ECS-18b",
    constraint=18,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="ARM64 tasks on Fargate need platform version 1.4.0 or later",
    otherwise="ECS refuses the service or starts no task: older platforms run X86_64 only.",
    remedy="Leave PlatformVersion out, or set it to LATEST or 1.4.0.",
    source=f"{API}/API_CapacityProviderStrategyItem.html",
    types=(SERVICE,),
)
def arm64_platform(service: Resource) -> Iterator[Fault]:
    version, task = old_platform(service), task_definition(service)
    if version and task and text(task.get("RuntimePlatform", "CpuArchitecture")) == "ARM64":
        yield Fault(at="PlatformVersion", message=f"platform {version} runs the ARM64 task {task.logical_id}")


@rule(
    "ECS-18c",
    constraint=18,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A capacity provider strategy has valid weights and at most one base",
    otherwise="ECS refuses the strategy.",
    remedy="Give at least one provider a weight above 0, only one a base, weights up to 1000, at most 20 providers.",
    source=f"{API}/API_CapacityProviderStrategyItem.html",
    types=(SERVICE, CLUSTER, ASSOCIATIONS),
)
def strategy_numbers(owner: Resource) -> Iterator[Fault]:
    for node in _strategies(owner):
        items = entries(node)
        weights = [0 if item.get("Weight").absent else integer(item.get("Weight")) for item in items]
        bases = [item for item in items if (integer(item.get("Base")) or 0) > 0]
        if len(items) > 20:
            yield Fault(at=str(node), message=f"{len(items)} capacity providers, of at most 20")
        if len(items) > 1 and all(weight == 0 for weight in weights):
            yield Fault(at=str(node), message="every capacity provider has weight 0")
        if len(bases) > 1:
            yield Fault(at=bases[1].path("Base"), message=f"{len(bases)} capacity providers have a base")
        for item, weight in zip(items, weights, strict=True):
            if weight is not None and not 0 <= weight <= 1000:
                yield Fault(at=item.path("Weight"), message=f"weight {weight} is not within 0 and 1000")
            base = integer(item.get("Base"))
            if base is not None and not 0 <= base <= 100_000:
                yield Fault(at=item.path("Base"), message=f"base {base} is not within 0 and 100000")


@rule(
    "ECS-18d",
    constraint=18,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A capacity provider strategy has Fargate providers or others, not a mix",
    otherwise="ECS refuses the strategy: it cannot contain Auto Scaling groups beside Fargate.",
    remedy="Use FARGATE and FARGATE_SPOT only, or none of them.",
    source=f"{GUIDE}/cluster-capacity-providers.html",
    types=(SERVICE, CLUSTER, ASSOCIATIONS),
)
def strategy_mix(owner: Resource) -> Iterator[Fault]:
    for node in _strategies(owner):
        providers = [provider(item) for item in entries(node)]
        if None in providers:
            continue
        fargate = [name for name in providers if isinstance(name, str) and name in _FARGATE]
        if fargate and len(fargate) < len(providers):
            yield Fault(at=str(node), message=f"{fargate[0]} beside a provider that is not Fargate's")


@rule(
    "ECS-18e",
    constraint=18,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="An empty CapacityProviderStrategy takes the providers away",
    otherwise="Since June 2025 ECS no longer ignores an empty list: it falls back to the cluster's default, or fails.",
    remedy="Leave the property out, or use AWS::NoValue.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-service.html",
    types=(SERVICE,),
)
def empty_strategy(service: Resource) -> Iterator[Fault]:
    if service.get("CapacityProviderStrategy").value == []:
        yield Fault(at="CapacityProviderStrategy", message="an empty list is not the same as none")


@rule(
    "ECS-19",
    constraint=19,
    severity=Severity.OUTAGE,
    confidence=Confidence.REPORTED,
    # Which of the two comes first is a race, and it is mostly won: so this warns.
    level=Level.WARNING,
    title="A service waits for the association of its capacity providers with the cluster",
    otherwise='Created too early, the provider is not associated; deleted too early, "capacity provider is in use".',
    remedy="Let the service DependsOn the AWS::ECS::ClusterCapacityProviderAssociations.",
    source="https://github.com/aws/aws-cdk/issues/15366",
    types=(SERVICE,),
    lacks=("DependsOn",),
)
def association_first(service: Resource) -> Iterator[Fault]:
    cluster = target(service.get("Cluster"), CLUSTER)
    if cluster is None or not service.get("LaunchType").absent:
        return
    for association in _associations(cluster):
        if association.stack is service.stack and not waits_for(service, association):
            yield Fault(at="DependsOn", message=f"nothing orders it after {association.logical_id}")


@rule(
    "ECS-19b",
    constraint=19,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A service's capacity providers are associated with its cluster",
    otherwise="CreateService refuses a provider that the cluster does not have, FARGATE and FARGATE_SPOT included.",
    remedy="Name the provider in the cluster's CapacityProviders or in a ClusterCapacityProviderAssociations.",
    source=f"{API}/API_CapacityProviderStrategyItem.html",
    types=(SERVICE,),
    lacks=("AWS::ECS::ClusterCapacityProviderAssociations",),
)
def provider_associated(service: Resource) -> Iterator[Fault]:
    cluster = target(service.get("Cluster"), CLUSTER)
    if cluster is None:
        return
    known = _cluster_providers(cluster)
    for item in entries(service.get("CapacityProviderStrategy")) if known is not None else []:
        wanted = provider(item)
        if isinstance(wanted, Resource) and not wanted.get("ClusterName").absent:
            continue  # Managed instances: their provider is made within the cluster.
        if wanted is not None and known is not None and wanted not in known:
            name = wanted.logical_id if isinstance(wanted, Resource) else wanted
            yield Fault(at=str(item), message=f"{cluster.logical_id} is not associated with {name}")


@rule(
    "ECS-19c",
    constraint=19,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A default strategy uses capacity providers that the cluster has",
    otherwise="PutClusterCapacityProviders refuses the default strategy.",
    remedy="Name each provider of DefaultCapacityProviderStrategy in CapacityProviders too.",
    source=f"{API}/API_PutClusterCapacityProviders.html",
    types=(CLUSTER, ASSOCIATIONS),
)
def default_associated(owner: Resource) -> Iterator[Fault]:
    if owner.type == CLUSTER and (owner.get("CapacityProviders").absent or _associations(owner)):
        return  # An association says it, or replaces what is said here.
    own = owner.get("CapacityProviders")
    known = [provider(item) for item in entries(own)]
    if is_unknown(own) or None in known:
        return
    for item in entries(owner.get("DefaultCapacityProviderStrategy")):
        wanted = provider(item)
        if wanted is not None and wanted not in known and not _within_cluster(wanted):
            yield Fault(at=str(item), message="its provider is not among CapacityProviders")


@rule(
    "ECS-20",
    constraint=20,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    level=Level.WARNING,
    title="A service has no fixed name",
    otherwise="A change that replaces the service creates the new one first, and its name is still taken.",
    remedy="Leave ServiceName out and export the generated name.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-service.html",
    types=(SERVICE,),
)
def unnamed(service: Resource) -> Iterator[Fault]:
    if service.get("ServiceName").present:
        yield Fault(at="ServiceName", message="Cluster, SchedulingStrategy and Role can no longer be changed")


def _strategies(owner: Resource) -> list[Node]:
    key = "CapacityProviderStrategy" if owner.type == SERVICE else "DefaultCapacityProviderStrategy"
    node = owner.get(key)
    return [] if node.absent or is_unknown(node) else [node]


def _associations(cluster: Resource) -> list[Resource]:
    return [
        other
        for other in cluster.referrers
        if other.type == ASSOCIATIONS and target(other.get("Cluster"), CLUSTER) is cluster
    ]


def _within_cluster(wanted: Resource | str) -> bool:
    """Providers of managed instances belong to their cluster without being associated."""
    return isinstance(wanted, Resource) and not wanted.get("ClusterName").absent


def _cluster_providers(cluster: Resource) -> list[Resource | str] | None:
    """What the template associates with the cluster; None where that is not all known."""
    found: list[Resource | str] = []
    for owner in (cluster, *_associations(cluster)):
        node = owner.get("CapacityProviders")
        if is_unknown(node):
            return None
        for item in entries(node):
            name = provider(item)
            if name is None:
                return None
            found.append(name)
    return found
