"""Load balancers, their listeners and listener rules: priorities, order and what fits together."""

from collections.abc import Iterator

from preflight.assembly import Assembly, Resource
from preflight.rule import Confidence, Fault, Level, Severity, rule
from preflight.rules.balancers import (
    LISTENER,
    LISTENER_RULE,
    LOAD_BALANCER,
    TARGET_GROUP,
    Balancer,
    actions,
    balancer_kind,
    balancers,
    forwarded,
    identity,
    kind_behind,
    rules_by_listener,
)
from preflight.rules.ordering import made_before
from preflight.rules.remembering import shared
from preflight.rules.support import exclusive, repeated_zones
from preflight.values import entries, integer, reference, target, text

_QUOTAS = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html"
_API = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/"


@rule(
    "ELB-36",
    constraint=36,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Each priority occurs once on a listener",
    otherwise="PriorityInUse: the second rule is refused, and its stack rolls back.",
    remedy="Give each rule of the listener a priority of its own, allocated in one place.",
    source=_API + "API_CreateRule.html",
)
def unique_priorities(assembly: Assembly) -> Iterator[Fault]:
    for rules in rules_by_listener(assembly).values():
        taken: dict[int, Resource] = {}
        for each in rules:
            priority = integer(each.get("Priority"))
            if priority is None:
                continue
            first = taken.setdefault(priority, each)
            if first is not each and not exclusive(first, each):
                message = f"priority {priority} is taken by {first.construct_path} on the same listener"
                yield Fault(at="Priority", message=message, resource=each)


@rule(
    "ELB-39",
    constraint=39,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="A target group and the listeners and rules that forward to it are in one stack",
    otherwise="ResourceInUse: the stack with the target group cannot be deleted, nor the target group be replaced, "
    "while another stack's listener or rule still forwards to it.",
    remedy="Move the target group to the stack of the rule, or the rule to the stack of the target group.",
    source=_API + "API_DeleteTargetGroup.html",
    types=(LISTENER, LISTENER_RULE),
)
def group_beside_its_rule(resource: Resource) -> Iterator[Fault]:
    for action in actions(resource):
        for place in forwarded(action):
            group = target(place, TARGET_GROUP)
            if group is not None and group.stack is not resource.stack:
                yield Fault(at=str(place), message=f"target group {group.construct_path} is in another stack")


@rule(
    "ELB-201",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A load balancer has one subnet per availability zone",
    otherwise="InvalidConfigurationRequest: a load balancer cannot be attached to several subnets of one zone.",
    remedy="Name one subnet of each zone; an application load balancer needs two zones.",
    source=_API + "API_CreateLoadBalancer.html",
    types=(LOAD_BALANCER,),
)
def one_subnet_per_zone(balancer: Resource) -> Iterator[Fault]:
    places = entries(balancer.get("Subnets"))
    places += [mapping.get("SubnetId") for mapping in entries(balancer.get("SubnetMappings"))]
    for place, why in repeated_zones(places):
        yield Fault(at=str(place), message=why)


@rule(
    "ELB-204",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A listener has a protocol and a port that its kind of load balancer knows",
    otherwise="CreateListener refuses the listener.",
    remedy="HTTP or HTTPS with a port on an application load balancer; TCP, TLS, UDP, TCP_UDP, QUIC or TCP_QUIC with a "
    "port on a network load balancer; neither on a gateway load balancer.",
    source=_API + "API_CreateListener.html",
    types=(LISTENER,),
)
def listener_protocol(listener: Resource) -> Iterator[Fault]:
    kind = kind_behind(listener.get("LoadBalancerArn"))
    known = _LISTENER_PROTOCOLS.get(kind or "")
    if known is None:
        return
    for key in ("Port", "Protocol"):
        if listener.get(key).absent is bool(known):
            yield Fault(at=key, message=f"{key} {'missing' if known else 'given'} on a listener of the {kind} kind")
    protocol = text(listener.get("Protocol"))
    if known and protocol is not None and protocol not in known:
        yield Fault(at="Protocol", message=f"protocol {protocol} on a load balancer of the {kind} kind")


_LISTENER_PROTOCOLS: dict[str, frozenset[str]] = {
    "application": frozenset({"HTTP", "HTTPS"}),
    "network": frozenset({"TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC"}),
    "gateway": frozenset(),
}


@rule(
    "ELB-206",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A target group belongs to one load balancer",
    otherwise="TargetGroupAssociationLimit: the second load balancer's listener or rule is refused.",
    remedy="Give each load balancer a target group of its own.",
    source=_QUOTAS,
)
def one_balancer_per_group(assembly: Assembly) -> Iterator[Fault]:
    owners: dict[str, Balancer] = {}
    for balancer in balancers(assembly):
        for resource, place in balancer.forwards():
            name = identity(place, TARGET_GROUP)
            if name is None:
                continue
            owner = owners.setdefault(name, balancer)
            if owner is not balancer and not exclusive(owner.resource, balancer.resource):
                yield Fault(
                    at=str(place),
                    message=f"its target group already belongs to {owner.resource.construct_path}",
                    resource=resource,
                )


@rule(
    "ELB-219",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Only a network load balancer takes Elastic IP addresses",
    otherwise="CreateLoadBalancer refuses the subnet mapping.",
    remedy="Remove AllocationId, or use a network load balancer.",
    source=_API + "API_CreateLoadBalancer.html",
    types=(LOAD_BALANCER,),
)
def elastic_addresses(balancer: Resource) -> Iterator[Fault]:
    kind = balancer_kind(balancer)
    for mapping in entries(balancer.get("SubnetMappings")):
        if kind in ("application", "gateway") and not mapping.get("AllocationId").absent:
            yield Fault(at=mapping.path("AllocationId"), message=f"Elastic IP address on the {kind} kind")


@rule(
    "ELB-224",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A load balancer has one listener per port",
    otherwise="DuplicateListener: the second listener on the port is refused.",
    remedy="Use another port, or one TCP_UDP listener instead of a TCP and a UDP one.",
    source=_API + "API_CreateListener.html",
)
def one_listener_per_port(assembly: Assembly) -> Iterator[Fault]:
    for balancer in balancers(assembly):
        taken: dict[int, Resource] = {}
        for listener in balancer.listeners:
            port = integer(listener.get("Port"))
            if port is None:
                continue
            first = taken.setdefault(port, listener)
            if first is not listener and not exclusive(first, listener):
                message = f"port {port} already has listener {first.construct_path}"
                yield Fault(at="Port", message=message, resource=listener)


@rule(
    "ELB-217",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A service is created after the listener or rule that binds its target group to a load balancer",
    otherwise="The target group does not have an associated load balancer: ECS refuses the service.",
    remedy="Let the service depend on the listener or rule (DependsOn).",
    source="https://github.com/aws/aws-cdk/issues/1160",
    types=("AWS::ECS::Service",),
    # A race: what CloudFormation makes beside the service may be ready first.
    level=Level.WARNING,
    lacks=("DependsOn",),
)
def service_after_listener(service: Resource) -> Iterator[Fault]:
    for balancer in entries(service.get("LoadBalancers")):
        place = balancer.get("TargetGroupArn")
        group = target(place, TARGET_GROUP)
        if group is None or group.stack is not service.stack or reference(place) is None:
            continue
        binders = _binders(group)
        if binders and made_before(service).isdisjoint(binders):
            first = service.stack.resources[min(binders)]
            yield Fault(at=str(place), message=f"does not depend on {first.construct_path}")


@shared
def _binders(group: Resource) -> frozenset[str]:
    """The listeners and rules of the group's stack that forward to it."""
    kinds = (LISTENER, LISTENER_RULE)
    return frozenset(each.logical_id for each in group.referrers if each.type in kinds and each.stack is group.stack)
