"""Quotas of load balancers: how many target groups, rules, certificates, listeners and condition values."""

from collections.abc import Iterator

from preflight.assembly import Assembly, Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.balancers import (
    LISTENER,
    LISTENER_CERTIFICATE,
    LISTENER_RULE,
    TARGET_GROUP,
    Balancer,
    actions,
    balancers,
    identity,
)
from preflight.values import Node, entries, text

_QUOTAS = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html"


def _application(balancer: Balancer) -> bool:
    return balancer.kind == "application"


@rule(
    "ELB-35",
    constraint=35,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An application load balancer forwards to at most 100 target groups",
    otherwise="TooManyTargetGroups: the listener or rule with the 101st is refused, and the quota cannot be raised.",
    remedy="Spread the target groups over several load balancers; one target group, not two, per preview.",
    source=_QUOTAS,
)
def target_groups_per_balancer(assembly: Assembly) -> Iterator[Fault]:
    for balancer in filter(_application, balancers(assembly)):
        names = {identity(place, TARGET_GROUP) for _, place in balancer.forwards()} - {None}
        if len(names) > 100:
            yield Fault(at="", message=f"{len(names)} target groups behind it", resource=balancer.resource)


@rule(
    "ELB-35b",
    constraint=35,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="An application load balancer has at most 100 rules before its quota is raised",
    otherwise="TooManyRules, where the account still has the default quota.",
    remedy="Have the quota raised before the deploy, or use a second load balancer.",
    source=_QUOTAS,
)
def rules_per_balancer(assembly: Assembly) -> Iterator[Fault]:
    for balancer in filter(_application, balancers(assembly)):
        if len(balancer.rules) > 100:
            yield Fault(at="", message=f"{len(balancer.rules)} listener rules", resource=balancer.resource)


@rule(
    "ELB-35c",
    constraint=35,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="An application load balancer has at most 25 further certificates before its quota is raised",
    otherwise="TooManyCertificates, where the account still has the default quota.",
    remedy="Have the quota raised before the deploy, or use certificates with several names.",
    source=_QUOTAS,
)
def certificates_per_balancer(assembly: Assembly) -> Iterator[Fault]:
    for balancer in filter(_application, balancers(assembly)):
        mine = {f"{listener.stack.name}/{listener.logical_id}" for listener in balancer.listeners}
        count = sum(
            len(entries(extra.get("Certificates")))
            for extra in assembly.of_type(LISTENER_CERTIFICATE)
            if identity(extra.get("ListenerArn"), LISTENER) in mine
        )
        if count > 25:
            yield Fault(at="", message=f"{count} certificates besides the default ones", resource=balancer.resource)


@rule(
    "ELB-35d",
    constraint=35,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A listener rule has at most 5 condition values, over all its conditions",
    otherwise="TooManyConditionValues: CreateRule refuses the rule, and the quota cannot be raised.",
    remedy="Split the rule into several with the same action.",
    source=_QUOTAS,
    types=(LISTENER_RULE,),
)
def condition_values(listener_rule: Resource) -> Iterator[Fault]:
    count = sum(len(_values(condition)) for condition in entries(listener_rule.get("Conditions")))
    if count > 5:
        yield Fault(at="Conditions", message=f"{count} condition values")


_CONDITION_CONFIGS = (
    "HostHeaderConfig",
    "HttpHeaderConfig",
    "HttpRequestMethodConfig",
    "PathPatternConfig",
    "QueryStringConfig",
    "SourceIpConfig",
)


def _values(condition: Node) -> list[Node]:
    holders = [condition, *(condition.get(config) for config in _CONDITION_CONFIGS)]
    return [value for holder in holders for key in ("Values", "RegexValues") for value in entries(holder.get(key))]


@rule(
    "ELB-35e",
    constraint=35,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An action forwards to at most 5 target groups",
    otherwise="TooManyTargetGroups: the listener or rule is refused, and the quota cannot be raised.",
    remedy="Forward to fewer target groups, or split the rule.",
    source=_QUOTAS,
    types=(LISTENER, LISTENER_RULE),
)
def target_groups_per_action(resource: Resource) -> Iterator[Fault]:
    for action in actions(resource):
        groups = action.get("ForwardConfig", "TargetGroups")
        if len(entries(groups)) > 5:
            yield Fault(at=str(groups), message=f"{len(entries(groups))} target groups in one action")


@rule(
    "ELB-35f",
    constraint=35,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A listener rule has at most 6 wildcard characters in its conditions",
    otherwise="CreateRule refuses the rule, and the quota cannot be raised.",
    remedy="Split the rule, or match by a shorter prefix.",
    source=_QUOTAS,
    types=(LISTENER_RULE,),
)
def condition_wildcards(listener_rule: Resource) -> Iterator[Fault]:
    # Two AWS pages disagree (5 and 6): only what both exclude is a fault.
    count = 0
    for condition in entries(listener_rule.get("Conditions")):
        for config in ("HostHeaderConfig", "HttpHeaderConfig", "PathPatternConfig"):
            count += sum(_wildcards(value) for value in entries(condition.get(config, "Values")))
        count += sum(_wildcards(value) for value in entries(condition.get("Values")))
        for pair in entries(condition.get("QueryStringConfig", "Values")):
            count += _wildcards(pair.get("Key")) + _wildcards(pair.get("Value"))
    if count > 6:
        yield Fault(at="Conditions", message=f"{count} wildcard characters")


def _wildcards(node: Node) -> int:
    value = text(node)
    return value.count("*") + value.count("?") if value else 0


@rule(
    "ELB-35g",
    constraint=35,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="A load balancer has at most 50 listeners before its quota is raised",
    otherwise="TooManyListeners, where the account still has the default quota.",
    remedy="Have the quota raised before the deploy, or use a second load balancer.",
    source=_QUOTAS,
)
def listeners_per_balancer(assembly: Assembly) -> Iterator[Fault]:
    for balancer in balancers(assembly):
        if len(balancer.listeners) > 50:
            yield Fault(at="", message=f"{len(balancer.listeners)} listeners", resource=balancer.resource)
