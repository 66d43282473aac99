"""Which load balancer, listener, rule and target group belong together; shared by the rules about them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from preflight.assembly import Assembly, Resource
from preflight.rules.support import written
from preflight.values import Node, entries, reference, target, text

LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
LISTENER_RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
LISTENER_CERTIFICATE = "AWS::ElasticLoadBalancingV2::ListenerCertificate"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"

# The part of a load balancer's or listener's ARN that tells its kind.
_KINDS = {"/app/": "application", "/net/": "network", "/gwy/": "gateway"}


def actions(resource: Resource) -> list[Node]:
    """The actions of a listener rule, or the default actions of a listener."""
    return entries(resource.get("DefaultActions" if resource.type == LISTENER else "Actions"))


def forwarded(action: Node) -> Iterator[Node]:
    """The places in an action that name a target group: the short form, then the weighted one."""
    if not action.get("TargetGroupArn").absent:
        yield action.get("TargetGroupArn")
    for pair in entries(action.get("ForwardConfig", "TargetGroups")):
        yield pair.get("TargetGroupArn")


def identity(node: Node, *types: str) -> str | None:
    """A name by which two places are known to mean the same thing: the resource's, or a literal ARN."""
    resource = target(node, *types)
    if resource is not None:
        return f"{resource.stack.name}/{resource.logical_id}"
    return None if reference(node) is not None else text(node)


def balancer_kind(balancer: Resource) -> str | None:
    return "application" if balancer.get("Type").absent else text(balancer.get("Type"))


def kind_behind(node: Node) -> str | None:
    """The kind of load balancer that an ARN of a load balancer, listener or rule belongs to."""
    resource = target(node, LOAD_BALANCER, LISTENER, LISTENER_RULE)
    if resource is None:
        return _kind_in(identity(node))
    if resource.type == LISTENER_RULE:
        given = resource.get("ListenerArn")
        listener = target(given, LISTENER)
        # Downwards only: what names itself would never end.
        return _kind_in(identity(given)) if listener is None else _kind_of_listener(listener)
    if resource.type == LISTENER:
        return _kind_of_listener(resource)
    return balancer_kind(resource)


def _kind_of_listener(listener: Resource) -> str | None:
    balancer = target(listener.get("LoadBalancerArn"), LOAD_BALANCER)
    return balancer_kind(balancer) if balancer else _kind_in(identity(listener.get("LoadBalancerArn")))


def _kind_in(arn: str | None) -> str | None:
    return next((kind for part, kind in _KINDS.items() if part in arn), None) if arn else None


@dataclass
class Balancer:
    """A load balancer with all that the assembly hangs on it, whether it is in the assembly or only its ARN."""

    kind: str | None
    resource: Resource
    listeners: list[Resource] = field(default_factory=list)
    rules: list[Resource] = field(default_factory=list)

    def forwards(self) -> Iterator[tuple[Resource, Node]]:
        for resource in [*self.listeners, *self.rules]:
            for action in actions(resource):
                for place in forwarded(action):
                    yield resource, place


def balancers(assembly: Assembly) -> list[Balancer]:
    """Every load balancer that listeners or rules of the assembly belong to."""
    found: dict[str, Balancer] = {}
    of_listener: dict[str, Balancer] = {}
    for listener in assembly.of_type(LISTENER):
        place = listener.get("LoadBalancerArn")
        name = identity(place, LOAD_BALANCER)
        if name is None:
            continue
        owner = target(place, LOAD_BALANCER) or listener
        balancer = found.setdefault(name, Balancer(kind_behind(place), owner))
        balancer.listeners.append(listener)
        of_listener[f"{listener.stack.name}/{listener.logical_id}"] = balancer
    for shared, rules in rules_by_listener(assembly).items():
        behind = of_listener.get(shared)
        if behind is None:
            # A listener from elsewhere: its ARN tells the load balancer, an expression at least that it is one.
            behind = found.setdefault(_balancer_arn(shared), Balancer("application", rules[0]))
        behind.rules.extend(rules)
    return list(found.values())


def _balancer_arn(listener: str) -> str:
    return listener.replace(":listener/", ":loadbalancer/").rsplit("/", 1)[0] if ":listener/" in listener else listener


def rules_by_listener(assembly: Assembly) -> dict[str, list[Resource]]:
    """Listener rules, grouped by the listener they are known to share."""
    groups: defaultdict[str, list[Resource]] = defaultdict(list)
    for rule in assembly.of_type(LISTENER_RULE):
        name = identity(rule.get("ListenerArn"), LISTENER) or _unresolved(rule)
        if name is not None:
            groups[name].append(rule)
    return groups


def _unresolved(rule: Resource) -> str | None:
    """Two rules of one template that name their listener by the same expression share it, whatever it yields."""
    expression = written(rule.get("ListenerArn"))
    return f"{rule.stack.name}: {expression}" if isinstance(expression, dict) else None
