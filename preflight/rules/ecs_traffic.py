"""What ECS asks of listeners and target groups that it shifts traffic with (blue/green, linear, canary)."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Level, Severity, rule
from preflight.rules.ecs_services import SERVICE, TARGET_GROUP, shifts_traffic, task_definition
from preflight.values import Node, entries, is_unknown, number, target, text

_LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
_LISTENER_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
_PRODUCTION, _TEST = "ProductionListenerRule", "TestListenerRule"
_TROUBLE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshooting-blue-green.html"

Group = Resource | str
"""A target group: the resource where it is in the assembly, otherwise its ARN."""


@rule(
    "ECS-1",
    constraint=1,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Both target groups sit in the production rule, or one in it and the other in the test rule",
    otherwise='The rollout goes back: "Both targetGroup and alternateTargetGroup must be associated with the '
    'productionListenerRule or testListenerRule".',
    remedy="Forward to both groups from the production rule (weights 1 and 0), or to one from each rule.",
    source=_TROUBLE,
    types=(SERVICE,),
)
def both_groups(service: Resource) -> Iterator[Fault]:
    for entry in _shifting(service):
        rules = [_rule(entry, name) for name in (_PRODUCTION, _TEST) if not _advanced(entry).get(name).absent]
        forwarded = [_forwarded(each) if each else None for each in rules]
        groups = _groups(entry)
        if None in forwarded or None in groups or not rules or rules[0] is None:
            continue
        reached = {group for targets in forwarded for group, _ in targets or []}
        for group in groups:
            if group is not None and group not in reached:
                yield Fault(
                    at="Actions",
                    message=f"{_name(group)} of service {service.logical_id} is in none of its listener rules",
                    resource=rules[0],
                )


@rule(
    "ECS-1b",
    constraint=1,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Production and test traffic have listener rules of their own",
    otherwise='CreateService refuses: "rules cannot be used as both production and test listener rules".',
    remedy="Make another rule, on a test listener or with a test header, for TestListenerRule.",
    source=_TROUBLE,
    types=(SERVICE,),
)
def one_rule_for_both(service: Resource) -> Iterator[Fault]:
    for entry in _shifting(service):
        production, test = (_advanced(entry).get(name) for name in (_PRODUCTION, _TEST))
        same = _rule(entry, _PRODUCTION) or text(production)
        if same is not None and same == (_rule(entry, _TEST) or text(test)):
            yield Fault(at=str(test), message="the production rule again")


@rule(
    "ECS-1c",
    constraint=1,
    severity=Severity.OUTAGE,
    confidence=Confidence.DOCUMENTED,
    title="The production rule gives all its weight to one target group",
    otherwise='The rollout goes back: "should have exactly one target group serving traffic but found 2". '
    "Until then the empty group answers its share with 503.",
    remedy="Give the alternate target group weight 0.",
    source=_TROUBLE,
    types=(SERVICE,),
)
def one_group_serves(service: Resource) -> Iterator[Fault]:
    for entry in _shifting(service):
        production = _rule(entry, _PRODUCTION)
        targets = _forwarded(production) if production else None
        serving = {group for group, weight in targets or [] if (number(weight) or 0) > 0}
        if len(serving) > 1:
            names = " and ".join(sorted(_name(group) for group in serving))
            yield Fault(at="Actions", message=f"{names} both have weight", resource=production)


@rule(
    "ECS-1d",
    constraint=1,
    severity=Severity.OUTAGE,
    confidence=Confidence.DOCUMENTED,
    title="The production rule forwards to the service's own target groups only",
    otherwise='The rollout goes back: "Production listener rule is forwarding traffic to unexpected target group".',
    remedy="Take the other target group out of the rule, or give it a rule of its own.",
    source=_TROUBLE,
    types=(SERVICE,),
)
def no_other_group(service: Resource) -> Iterator[Fault]:
    for entry in _shifting(service):
        production, own = _rule(entry, _PRODUCTION), _groups(entry)
        if production is None or None in own:
            continue
        for group, weight in _forwarded(production) or []:
            if group not in own and (weight.absent or (number(weight) or 0) > 0):
                message = f"forwards to {_name(group)}, which {service.logical_id} does not have"
                yield Fault(at=str(weight), message=message, resource=production)


@rule(
    "ECS-1e",
    constraint=1,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="With an Application Load Balancer the production and test rules are listener rules, not listeners",
    otherwise='CreateService refuses: "Must be RuleArn for ALB or ListenerArn for NLB".',
    remedy="Refer to an AWS::ElasticLoadBalancingV2::ListenerRule (to the listener with a Network Load Balancer).",
    source=_TROUBLE,
    types=(SERVICE,),
)
def rule_not_listener(service: Resource) -> Iterator[Fault]:
    for entry in _shifting(service):
        for name in (_PRODUCTION, _TEST):
            node = _advanced(entry).get(name)
            listener = target(node, _LISTENER)
            literal = node.value if isinstance(node.value, str) else ""
            if listener and text(listener.get("Protocol")) in ("HTTP", "HTTPS"):
                yield Fault(at=str(node), message=f"{listener.logical_id} is a listener")
            elif ":listener/app/" in literal or ":listener-rule/net/" in literal:
                yield Fault(at=str(node), message=f"{literal} is not the kind of ARN that this load balancer needs")


@rule(
    "ECS-1f",
    constraint=1,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Where ECS shifts traffic, every load balancer entry has an AdvancedConfiguration",
    otherwise='CreateService refuses: "advancedConfiguration field is required for all loadBalancers".',
    remedy="Name alternate target group, production rule and role in each entry's AdvancedConfiguration.",
    source=_TROUBLE,
    types=(SERVICE,),
)
def advanced_everywhere(service: Resource) -> Iterator[Fault]:
    balancers = entries(service.get("LoadBalancers"))
    mixed = any(isinstance(entry.get("AdvancedConfiguration").value, dict) for entry in balancers)
    for entry in balancers if mixed or shifts_traffic(service) else []:
        if isinstance(entry.value, dict) and entry.get("AdvancedConfiguration").absent:
            yield Fault(at=str(entry), message="no AdvancedConfiguration")


@rule(
    "ECS-1g",
    constraint=1,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The target groups that a service shifts between are all different",
    otherwise='CreateService refuses: "Duplicate targetGroupArn found".',
    remedy="Make a second target group for AlternateTargetGroupArn.",
    source=_TROUBLE,
    types=(SERVICE,),
)
def groups_differ(service: Resource) -> Iterator[Fault]:
    seen: set[Group] = set()
    for entry in _shifting(service):
        for group in _groups(entry):
            if group is not None and group in seen:
                yield Fault(at=str(entry), message=f"{_name(group)} twice")
            elif group is not None:
                seen.add(group)


@rule(
    "ECS-2",
    constraint=2,
    severity=Severity.OUTAGE,
    confidence=Confidence.REPORTED,
    # Only an update that touches the rule resets it, and reports differ on which updates do: so this warns.
    level=Level.WARNING,
    title="The rule whose weights ECS rewrites is in another stack than the service",
    otherwise="An update that touches the rule writes the declared weights back, and live traffic goes to an "
    "empty target group.",
    remedy="Keep listener rules and target groups in a stack that releases do not update, their properties frozen.",
    source="https://github.com/aws/aws-cdk/issues/36649",
    types=(SERVICE,),
)
def rule_in_service_stack(service: Resource) -> Iterator[Fault]:
    for entry in _shifting(service):
        for name in (_PRODUCTION, _TEST):
            shifted = _rule(entry, name) or target(_advanced(entry).get(name), _LISTENER)
            if shifted and shifted.stack is service.stack:
                message = f"{shifted.logical_id} is updated together with service {service.logical_id}"
                yield Fault(at="Actions", message=message, resource=shifted)


@rule(
    "ECS-4",
    constraint=4,
    severity=Severity.REFUSED,
    # Earlier versions of the page say that the rollout fails; the present one no longer does.
    confidence=Confidence.BELIEVED,
    title="A listener rule that ECS shifts traffic with has forward actions only",
    otherwise="The rollout fails on a mix of forward with authenticate, redirect or fixed-response actions.",
    remedy="Authenticate in front (CloudFront, the application), and redirect in rules of their own.",
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/alb-resources-for-blue-green.html",
    types=(SERVICE,),
)
def forward_only(service: Resource) -> Iterator[Fault]:
    for entry in _shifting(service):
        for name in (_PRODUCTION, _TEST):
            shifted = _rule(entry, name)
            for action in entries(shifted.get("Actions")) if shifted else []:
                kind = text(action.get("Type"))
                if kind is not None and kind != "forward":
                    yield Fault(at=str(action), message=f"an action of type {kind}", resource=shifted)


@rule(
    "ECS-201",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Tasks with a network interface of their own register in target groups of type ip",
    otherwise="CreateService refuses a target group of type instance, which is also the default.",
    remedy="Set TargetType: ip on the target group.",
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LoadBalancer.html",
    types=(SERVICE,),
)
def target_type(service: Resource) -> Iterator[Fault]:
    task = task_definition(service)
    if task is None or text(task.get("NetworkMode")) != "awsvpc":
        return
    for entry in entries(service.get("LoadBalancers")):
        for node in (entry.get("TargetGroupArn"), entry.get("AdvancedConfiguration", "AlternateTargetGroupArn")):
            group = target(node, TARGET_GROUP)
            kind = group.get("TargetType") if group else None
            if group and kind is not None and (kind.absent or text(kind) not in (None, "ip")):
                found = "no TargetType" if kind.absent else f"type {text(kind)}"
                yield Fault(at=str(kind), message=f"{found}, for {service.logical_id} in awsvpc mode", resource=group)


def _shifting(service: Resource) -> list[Node]:
    """Load balancer entries that ECS shifts traffic for."""
    if not shifts_traffic(service):
        return []
    return [entry for entry in entries(service.get("LoadBalancers")) if isinstance(_advanced(entry).value, dict)]


def _advanced(entry: Node) -> Node:
    return entry.get("AdvancedConfiguration")


def _rule(entry: Node, name: str) -> Resource | None:
    return target(_advanced(entry).get(name), _LISTENER_RULE)


def _group(node: Node) -> Group | None:
    return target(node, TARGET_GROUP) or text(node)


def _groups(entry: Node) -> tuple[Group | None, Group | None]:
    return _group(entry.get("TargetGroupArn")), _group(_advanced(entry).get("AlternateTargetGroupArn"))


def _name(group: Group) -> str:
    return group.logical_id if isinstance(group, Resource) else group


def _forwarded(shifted: Resource) -> list[tuple[Group, Node]] | None:
    """Each target group that the rule forwards to and the place of its weight; None where one is not known."""
    found: list[tuple[Group, Node]] = []
    actions = shifted.get("Actions")
    for action in entries(actions):
        kind = text(action.get("Type"))
        if kind is None:
            return None
        if kind != "forward":
            continue
        places = entries(action.get("ForwardConfig", "TargetGroups"))
        if is_unknown(action.get("ForwardConfig", "TargetGroups")):
            return None
        if not places:
            places = [action]
        for place in places:
            group = _group(place.get("TargetGroupArn"))
            if group is None:
                return None
            found.append((group, place.get("Weight")))
    return None if is_unknown(actions) else found
