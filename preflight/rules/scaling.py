"""Application Auto Scaling (and step policies of EC2 Auto Scaling): targets, policies, and the alarms behind them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Level, Severity, rule
from preflight.rules.ecs_services import CLUSTER, SERVICE
from preflight.values import Node, Reference, Text, entries, integer, is_unknown, number, target, text

_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
_EC2_POLICY = "AWS::AutoScaling::ScalingPolicy"
_ALARM = "AWS::CloudWatch::Alarm"
_API = "https://docs.aws.amazon.com/autoscaling/application/APIReference"
_NO_STEPS = frozenset({"dynamodb", "comprehend", "lambda", "cassandra", "kafka", "elasticache", "neptune"})
_INFINITE = float("inf")


@rule(
    "ECS-22",
    constraint=22,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Step intervals neither overlap nor leave a gap, and are open at the outer ends",
    otherwise="PutScalingPolicy refuses the policy.",
    remedy="Let each interval begin where another ends; leave out the bound of the first and of the last.",
    source=f"{_API}/API_StepAdjustment.html",
    types=(_POLICY, _EC2_POLICY),
)
def step_intervals(policy: Resource) -> Iterator[Fault]:
    place = _steps(policy)
    steps = _intervals(place)
    if not steps:
        return
    for low, high in steps:
        if low == -_INFINITE and high == _INFINITE:
            yield Fault(at=str(place), message="a step without either bound")
        elif low >= high:
            yield Fault(at=str(place), message=f"a step from {low:g} to {high:g}")
    for (_, high), (low, _) in pairwise(sorted(steps)):
        if low < high:
            yield Fault(at=str(place), message=f"steps overlap between {low:g} and {high:g}")
        elif low > high:
            yield Fault(at=str(place), message=f"there is a gap between {high:g} and {low:g}")
    lows, highs = [low for low, _ in steps], [high for _, high in steps]
    if min(lows) < 0 and -_INFINITE not in lows:
        yield Fault(at=str(place), message=f"below {min(lows):g} no step applies: leave out that lower bound")
    if max(highs) > 0 and _INFINITE not in highs:
        yield Fault(at=str(place), message=f"above {max(highs):g} no step applies: leave out that upper bound")


@rule(
    "ECS-22b",
    constraint=22,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="A step policy has a step for what its alarm reports",
    otherwise="The alarm fires, no step matches the breach, and nothing scales.",
    remedy="Bounds count from the threshold: upwards of 0 for an alarm on high values, down from 0 on low ones.",
    source=f"{_API}/API_StepAdjustment.html",
    types=(_POLICY, _EC2_POLICY),
)
def step_for_alarm(policy: Resource) -> Iterator[Fault]:
    steps = _intervals(_steps(policy))
    for alarm in policy.referrers if steps else []:
        actions = [target(node, _POLICY, _EC2_POLICY) for node in entries(alarm.get("AlarmActions"))]
        operator = text(alarm.get("ComparisonOperator")) or "" if alarm.type == _ALARM else ""
        if policy not in actions or "UpperThreshold" in operator:
            continue
        if operator.startswith("GreaterThan") and not any(low <= 0 < high for low, high in steps):
            yield Fault(at=str(_steps(policy)), message=f"no step just above the threshold of {alarm.logical_id}")
        if operator.startswith("LessThan") and not any(low < 0 <= high for low, high in steps):
            yield Fault(at=str(_steps(policy)), message=f"no step just below the threshold of {alarm.logical_id}")


@rule(
    "ECS-22c",
    constraint=22,
    severity=Severity.SILENT,
    # An alarm may be made elsewhere from the policy's ARN: so this warns.
    confidence=Confidence.BELIEVED,
    title="An alarm starts each step policy",
    otherwise="Nothing ever scales: a step policy makes no alarm of its own.",
    remedy="Name the policy in the AlarmActions of an alarm.",
    source="https://docs.aws.amazon.com/autoscaling/application/userguide/"
    "application-auto-scaling-step-scaling-policies.html",
    types=(_POLICY,),
    lacks=("AWS::CloudWatch::Alarm",),
)
def step_alarm(policy: Resource) -> Iterator[Fault]:
    if text(policy.get("PolicyType")) == "StepScaling" and not any(one.type == _ALARM for one in policy.referrers):
        yield Fault(at="PolicyType", message="no alarm refers to this policy")


@rule(
    "ECS-23",
    constraint=23,
    severity=Severity.OUTAGE,
    confidence=Confidence.REPORTED,
    # It bites when the load is high at the moment of an update, and many live with it: so this warns.
    level=Level.WARNING,
    title="A service that scales has no DesiredCount",
    otherwise="An update sends the count in the template, and the tasks that scaling had added are stopped.",
    remedy="Leave DesiredCount out; MinCapacity is where it starts.",
    source="https://github.com/aws/aws-cdk/issues/3919",
    types=(_TARGET,),
)
def desired_count(scalable: Resource) -> Iterator[Fault]:
    service = _scaled_service(scalable)
    if service and service.get("DesiredCount").present:
        yield Fault(at="DesiredCount", message=f"{scalable.logical_id} sets the count", resource=service)


@rule(
    "SCALING-201",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="MinCapacity is at most MaxCapacity, and neither is negative",
    otherwise="RegisterScalableTarget or PutScheduledAction refuses it.",
    remedy="Exchange the two, or raise MaxCapacity.",
    source=f"{_API}/API_RegisterScalableTarget.html",
    types=(_TARGET,),
)
def capacities(scalable: Resource) -> Iterator[Fault]:
    places = [scalable.get()] + [one.get("ScalableTargetAction") for one in entries(scalable.get("ScheduledActions"))]
    for place in places:
        lowest, highest = integer(place.get("MinCapacity")), integer(place.get("MaxCapacity"))
        for key, value in (("MinCapacity", lowest), ("MaxCapacity", highest)):
            if value is not None and value < 0:
                yield Fault(at=place.path(key), message=f"{key} {value}")
        if lowest is not None and highest is not None and lowest > highest:
            yield Fault(at=place.path("MinCapacity"), message=f"{lowest} is more than MaxCapacity {highest}")


@rule(
    "SCALING-202",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A policy is of a type that the scaled service takes",
    otherwise="PutScalingPolicy refuses the policy.",
    remedy="Use TargetTrackingScaling (StepScaling for EMR); PredictiveScaling is for ECS only.",
    source=f"{_API}/API_PutScalingPolicy.html",
    types=(_POLICY,),
)
def policy_type(policy: Resource) -> Iterator[Fault]:
    kind, namespace = text(policy.get("PolicyType")), _namespace(policy)
    if namespace is None or kind is None:
        return
    if (
        (kind == "StepScaling" and namespace in _NO_STEPS)
        or (kind == "TargetTrackingScaling" and namespace == "elasticmapreduce")
        or (kind == "PredictiveScaling" and namespace != "ecs")
    ):
        yield Fault(at="PolicyType", message=f"{kind} for {namespace}")


@rule(
    "SCALING-203",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A policy has the one configuration of its type, with one metric",
    otherwise="PutScalingPolicy refuses the policy.",
    remedy="Give the configuration that PolicyType names, and a predefined or a customized metric, not both.",
    source=f"{_API}/API_PutScalingPolicy.html",
    types=(_POLICY,),
)
def policy_configuration(policy: Resource) -> Iterator[Fault]:
    kind = text(policy.get("PolicyType"))
    if kind in ("StepScaling", "TargetTrackingScaling"):
        node = policy.get(f"{kind}PolicyConfiguration")
        if node.absent:
            yield Fault(at=str(node), message=f"PolicyType {kind} without it")
    tracking = policy.get("TargetTrackingScalingPolicyConfiguration")
    metrics = [tracking.get(f"{name}MetricSpecification") for name in ("Predefined", "Customized")]
    if isinstance(tracking.value, dict) and all(metric.absent for metric in metrics):
        yield Fault(at=str(tracking), message="no metric")
    elif all(metric.present for metric in metrics):
        yield Fault(at=str(tracking), message="both kinds of metric")


@rule(
    "SCALING-204",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="ALBRequestCountPerTarget, and no other metric, has a ResourceLabel",
    otherwise="PutScalingPolicy refuses the policy.",
    remedy="Write app/<load balancer>/<id>/targetgroup/<group>/<id>, or drop the label.",
    source=f"{_API}/API_PredefinedMetricSpecification.html",
    types=(_POLICY,),
)
def resource_label(policy: Resource) -> Iterator[Fault]:
    metric = policy.get("TargetTrackingScalingPolicyConfiguration", "PredefinedMetricSpecification")
    kind, label = text(metric.get("PredefinedMetricType")), metric.get("ResourceLabel")
    if kind == "ALBRequestCountPerTarget" and label.absent:
        yield Fault(at=str(label), message=f"{kind} without a ResourceLabel")
    elif kind not in (None, "ALBRequestCountPerTarget") and label.present:
        yield Fault(at=str(label), message=f"{kind} with a ResourceLabel")


@rule(
    "SCALING-205",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="ScalableDimension belongs to ServiceNamespace",
    otherwise='RegisterScalableTarget refuses: "Unsupported service namespace, resource type or scalable dimension".',
    remedy="The dimension begins with the namespace: ecs and ecs:service:DesiredCount.",
    source=f"{_API}/API_RegisterScalableTarget.html",
    types=(_TARGET, _POLICY),
)
def dimension(scaled: Resource) -> Iterator[Fault]:
    namespace, wanted = text(scaled.get("ServiceNamespace")), text(scaled.get("ScalableDimension"))
    if namespace is not None and wanted is not None and wanted.split(":")[0] != namespace:
        yield Fault(at="ScalableDimension", message=f"{wanted} of namespace {namespace}")


@rule(
    "SCALING-206",
    severity=Severity.SILENT,
    confidence=Confidence.REPORTED,
    title="An ECS service is scaled by the names of cluster and service",
    otherwise="With an ARN among them the target is refused, or it registers and scales nothing.",
    remedy="Write service/<cluster name>/<service name>: Ref of the cluster, GetAtt Name of the service.",
    source="https://github.com/aws/aws-cdk/issues/14297",
    types=(_TARGET,),
)
def resource_id(scalable: Resource) -> Iterator[Fault]:
    node = scalable.get("ResourceId")
    if text(scalable.get("ServiceNamespace")) != "ecs":
        return
    if isinstance(node.value, Text):
        wrong = [part for part in node.value.references if _is_arn(part)]
        if node.value.startswith("service/") is False or ":" in node.value.literal or wrong:
            yield Fault(at="ResourceId", message="an ARN among the names" if wrong else "not service/cluster/name")
    elif isinstance(node.value, Reference):
        yield Fault(at="ResourceId", message="a reference alone is not service/cluster/name")
    elif (written := text(node)) is not None and (not written.startswith("service/") or ":" in written):
        yield Fault(at="ResourceId", message=f"{written} is not service/cluster/name")


@rule(
    "SCALING-207",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="ExactCapacity sets a count that is not negative",
    otherwise="PutScalingPolicy refuses the policy.",
    remedy="Use ChangeInCapacity for a difference.",
    source=f"{_API}/API_StepAdjustment.html",
    types=(_POLICY, _EC2_POLICY),
)
def exact_capacity(policy: Resource) -> Iterator[Fault]:
    place = _steps(policy)
    owner = policy if policy.type == _EC2_POLICY else policy.get("StepScalingPolicyConfiguration")
    if text(owner.get("AdjustmentType")) == "ExactCapacity":
        for step in entries(place):
            value = integer(step.get("ScalingAdjustment"))
            if value is not None and value < 0:
                yield Fault(at=step.path("ScalingAdjustment"), message=f"an exact capacity of {value}")


def _steps(policy: Resource) -> Node:
    if policy.type == _EC2_POLICY:
        return policy.get("StepAdjustments")
    return policy.get("StepScalingPolicyConfiguration", "StepAdjustments")


def _intervals(place: Node) -> list[tuple[float, float]]:
    """Bounds of all steps; nothing where one is not known."""
    found: list[tuple[float, float]] = []
    for step in entries(place):
        low, high = (step.get(f"MetricInterval{end}Bound") for end in ("Lower", "Upper"))
        lowest = -_INFINITE if low.absent else number(low)
        highest = _INFINITE if high.absent else number(high)
        if lowest is None or highest is None or is_unknown(step):
            return []
        found.append((lowest, highest))
    return found


def _namespace(policy: Resource) -> str | None:
    if not policy.get("ServiceNamespace").absent:
        return text(policy.get("ServiceNamespace"))
    scalable = target(policy.get("ScalingTargetId"), _TARGET)
    return text(scalable.get("ServiceNamespace")) if scalable else None


def _scaled_service(scalable: Resource) -> Resource | None:
    """The ECS service that a target scales: by reference, or by its name at the end."""
    node = scalable.get("ResourceId")
    if found := target(node, SERVICE):
        return found
    written = node.value
    if isinstance(written, Text) and isinstance(written.parts[-1], str):
        written = written.parts[-1]
    if not isinstance(written, str):
        return None
    return scalable.stack.assembly.named(SERVICE, written.rsplit("/", 1)[-1])


def _is_arn(part: Reference) -> bool:
    """Whether the reference gives an ARN where a name belongs. Ref of a service is its ARN, of a cluster its name."""
    kind = part.resource.type
    return (kind == SERVICE and part.attribute in ("Ref", "ServiceArn")) or (
        kind == CLUSTER and part.attribute == "Arn"
    )
