"""Target groups, and what a listener or rule may do with them: names, health checks, weights."""

import re
from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.balancers import (
    LISTENER,
    LISTENER_RULE,
    LOAD_BALANCER,
    TARGET_GROUP,
    actions,
    forwarded,
    kind_behind,
)
from preflight.rules.support import written
from preflight.values import Text, boolean, entries, integer, is_unknown, target, text

_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/"


@rule(
    "ELB-34",
    constraint=34,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The name of a load balancer or target group is at most 32 letters, digits and inner hyphens",
    otherwise="ValidationError: the load balancer or target group is not created.",
    remedy="Leave Name unset: CloudFormation then makes one that is valid and free.",
    source=_API + "API_CreateTargetGroup.html",
    types=(LOAD_BALANCER, TARGET_GROUP),
)
def valid_name(resource: Resource) -> Iterator[Fault]:
    literal = _known_letters(resource)
    if literal is None:
        return
    known = literal.replace("\0", "")
    if len(known) > 32:
        yield Fault(at="Name", message=f"name of {'at least ' if known != literal else ''}{len(known)} characters")
    elif not literal or not re.fullmatch(r"[A-Za-z0-9-]*", known):
        yield Fault(at="Name", message=f"name {known!r} has other characters than letters, digits and hyphens")
    elif literal.startswith("-") or literal.endswith("-"):
        yield Fault(at="Name", message="name begins or ends with a hyphen")
    elif resource.type == LOAD_BALANCER and literal.startswith("internal-"):
        yield Fault(at="Name", message="name of a load balancer begins with internal-")


def _known_letters(resource: Resource) -> str | None:
    """The name with a NUL for each unknown part: the known letters alone may already be too many or of a wrong kind.

    The stack's name counts as unknown: who deploys a lone template chooses it.
    """
    node = resource.get("Name")
    literal = node.value.literal if isinstance(node.value, Text) else text(node)
    if literal is not None and "AWS::StackName" in str(written(resource.get("Name"))):
        return literal.replace(resource.stack.name, "\0")
    return literal


@rule(
    "ELB-34b",
    constraint=34,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="A target group has no name of its own",
    otherwise="A change of Port, Protocol, VpcId, TargetType or ProtocolVersion replaces the target group, and its "
    "replacement cannot be created beside it under the same name.",
    remedy="Leave Name unset, or change the name together with those properties.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
    "aws-resource-elasticloadbalancingv2-targetgroup.html",
    types=(TARGET_GROUP,),
)
def unnamed_group(group: Resource) -> Iterator[Fault]:
    name = group.get("Name")
    if not name.absent and (name.known or isinstance(name.value, Text)):
        yield Fault(at="Name", message="a fixed name stands in the way of a replacement")


@rule(
    "ELB-37",
    constraint=37,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The weight of a target group is 0 to 999",
    otherwise="The listener or rule is refused.",
    remedy="Choose weights in that range; only their proportion counts.",
    source=_API + "API_TargetGroupTuple.html",
    types=(LISTENER, LISTENER_RULE),
)
def weights(resource: Resource) -> Iterator[Fault]:
    for action in actions(resource):
        for pair in entries(action.get("ForwardConfig", "TargetGroups")):
            weight = integer(pair.get("Weight"))
            if weight is not None and not 0 <= weight <= 999:
                yield Fault(at=pair.path("Weight"), message=f"weight {weight}")


@rule(
    "ELB-37b",
    constraint=37,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A health check's interval is longer than its timeout",
    otherwise="ValidationError: health check interval must be greater than the timeout.",
    remedy="Set HealthCheckTimeoutSeconds below HealthCheckIntervalSeconds, and set both.",
    source="https://github.com/terraform-linters/tflint-ruleset-aws/issues/404",
    types=(TARGET_GROUP,),
)
def interval_above_timeout(group: Resource) -> Iterator[Fault]:
    nodes = group.get("HealthCheckIntervalSeconds"), group.get("HealthCheckTimeoutSeconds")
    if all(node.absent for node in nodes) or any(is_unknown(node) for node in nodes):
        return
    serverless = text(group.get("TargetType")) == "lambda"
    protocol = text(group.get("Protocol"))
    if protocol is None and not serverless:
        return
    # The documented defaults; where two pages differ, the one that makes the fewer templates wrong.
    interval = integer(nodes[0]) if not nodes[0].absent else 35 if serverless else 10 if protocol == "GENEVE" else 30
    timeout = integer(nodes[1]) if not nodes[1].absent else 30 if serverless else 5
    if interval is None or timeout is None:
        return
    # Target groups of network and gateway load balancers may have both equal.
    equal_allowed = not serverless and protocol not in ("HTTP", "HTTPS")
    if interval < timeout or (interval == timeout and not equal_allowed):
        at = "HealthCheckTimeoutSeconds" if not nodes[1].absent else "HealthCheckIntervalSeconds"
        yield Fault(at=at, message=f"interval of {interval} s, timeout of {timeout} s")


@rule(
    "ELB-205",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A target group's protocol fits the load balancer that forwards to it",
    otherwise="The listener or rule is refused.",
    remedy="HTTP or HTTPS behind an application load balancer, GENEVE behind a gateway load balancer, the others "
    "behind a network load balancer.",
    source=_API + "API_CreateTargetGroup.html",
    types=(LISTENER, LISTENER_RULE),
)
def group_fits_balancer(resource: Resource) -> Iterator[Fault]:
    kind = kind_behind(resource.get("LoadBalancerArn" if resource.type == LISTENER else "ListenerArn"))
    for action in actions(resource):
        for place in forwarded(action):
            group = target(place, TARGET_GROUP)
            if group is None or kind not in _GROUP_PROTOCOLS:
                continue
            protocol = text(group.get("Protocol"))
            if protocol is not None and protocol not in _GROUP_PROTOCOLS[kind]:
                yield Fault(at=str(place), message=f"{protocol} target group behind a load balancer of the {kind} kind")
            elif kind != "application" and text(group.get("TargetType")) == "lambda":
                yield Fault(at=str(place), message=f"Lambda target group behind a load balancer of the {kind} kind")


_GROUP_PROTOCOLS = {
    "application": ("HTTP", "HTTPS"),
    "network": ("TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC"),
    "gateway": ("GENEVE",),
}


@rule(
    "ELB-211",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Stickiness between target groups has a duration of 1 to 604800 seconds",
    otherwise="The listener or rule is refused.",
    remedy="Set DurationSeconds when Enabled is true.",
    source=_API + "API_TargetGroupStickinessConfig.html",
    types=(LISTENER, LISTENER_RULE),
)
def group_stickiness(resource: Resource) -> Iterator[Fault]:
    for action in actions(resource):
        config = action.get("ForwardConfig", "TargetGroupStickinessConfig")
        duration = integer(config.get("DurationSeconds"))
        if duration is not None and not 1 <= duration <= 604800:
            yield Fault(at=config.path("DurationSeconds"), message=f"duration of {duration} s")
        elif config.get("DurationSeconds").absent and kind_of_action(resource) and boolean(config.get("Enabled")):
            yield Fault(at=str(config), message="enabled without a duration")


def kind_of_action(resource: Resource) -> bool:
    """Only an application load balancer wants the duration of the stickiness."""
    return kind_behind(resource.get("LoadBalancerArn" if resource.type == LISTENER else "ListenerArn")) == "application"


@rule(
    "ELB-214",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A target group's matcher names codes that its protocol allows",
    otherwise="CreateTargetGroup refuses the target group.",
    remedy="HTTP codes 200 to 499 for HTTP and HTTPS (200 to 599 behind a network load balancer), gRPC codes 0 to 99.",
    source=_API + "API_Matcher.html",
    types=(TARGET_GROUP,),
)
def matcher_codes(group: Resource) -> Iterator[Fault]:
    protocol = text(group.get("Protocol"))
    grpc = text(group.get("ProtocolVersion")) == "GRPC"
    upper = 499 if protocol in ("HTTP", "HTTPS") or text(group.get("TargetType")) == "lambda" else 599
    for key, low, high in (("HttpCode", 200, upper), ("GrpcCode", 0, 99)):
        node = group.get("Matcher", key)
        codes = text(node)
        if codes is None:
            continue
        if (key == "GrpcCode") is not grpc and protocol in ("HTTP", "HTTPS"):
            yield Fault(at=str(node), message=f"{key} on a target group {'with' if grpc else 'without'} gRPC")
        elif not all(_within(part, low, high) for part in codes.split(",")):
            yield Fault(at=str(node), message=f"codes {codes} are not within {low} to {high}")


def _within(codes: str, low: int, high: int) -> bool:
    bounds = [integer(bound.strip()) for bound in codes.split("-")]
    return len(bounds) in (1, 2) and all(bound is not None and low <= bound <= high for bound in bounds)


@rule(
    "ELB-222",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Health checks use HTTP or HTTPS, or TCP behind a network or gateway load balancer",
    otherwise="CreateTargetGroup refuses the target group.",
    remedy="Set HealthCheckProtocol to one of them, or leave it unset.",
    source=_API + "API_CreateTargetGroup.html",
    types=(TARGET_GROUP,),
)
def health_check_protocol(group: Resource) -> Iterator[Fault]:
    check, protocol = text(group.get("HealthCheckProtocol")), text(group.get("Protocol"))
    if check is None:
        return
    if check not in ("HTTP", "HTTPS", "TCP") or (check == "TCP" and protocol in ("HTTP", "HTTPS")):
        yield Fault(at="HealthCheckProtocol", message=f"{check} health checks of {protocol} targets")


@rule(
    "ELB-223",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Health checks can be off for Lambda targets only",
    otherwise="CreateTargetGroup refuses the target group.",
    remedy="Remove HealthCheckEnabled.",
    source=_API + "API_CreateTargetGroup.html",
    types=(TARGET_GROUP,),
)
def health_check_enabled(group: Resource) -> Iterator[Fault]:
    kind = text(group.get("TargetType")) if not group.get("TargetType").absent else "instance"
    if boolean(group.get("HealthCheckEnabled")) is False and kind not in (None, "lambda"):
        yield Fault(at="HealthCheckEnabled", message=f"health checks switched off for {kind} targets")
