"""Load balancers: what hangs on each against the account's limits, and rule priorities that are taken."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from preflight.account.answer import Answer, failed, passed, unchecked
from preflight.account.api import Account, UnansweredError
from preflight.account.quota import compare
from preflight.account.registry import check
from preflight.assembly import Assembly, Resource
from preflight.values import Node, entries, integer, target, text

BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
KINDS = {"application": "application", "network": "network"}


@check(
    "quota-load-balancers", title="Load balancers, target groups and rules fit into the limits", constraints=(35, 49)
)
def limits(account: Account, assembly: Assembly) -> Iterator[Answer]:
    wanted = account.by_region(assembly, BALANCER, LISTENER, RULE, GROUP)

    def in_region(region: str) -> Iterator[Answer]:
        found = account.every("elbv2", "DescribeAccountLimits", "Limits", region=region)
        allowed = {limit["Name"]: float(limit["Max"]) for limit in found if str(limit.get("Max", "")).isdigit()}
        yield from _in_region(account, region, wanted[region], allowed)
        for balancer, parts in _by_balancer(wanted[region]).items():
            yield from _on_one(account, region, balancer, parts, allowed)

    yield from account.each(sorted(wanted), in_region)


def _in_region(account: Account, region: str, resources: list[Resource], allowed: dict[str, float]) -> Iterator[Answer]:
    new = Counter[str]()
    for resource in resources:
        if account.physical(resource) is not None:
            continue
        if resource.type == GROUP:
            new["target-groups"] += 1
        elif resource.type == BALANCER:
            kind = text(resource.get("Type")) or "application"
            if kind in KINDS:
                new[f"{kind}-load-balancers"] += 1
    for limit, count in sorted(new.items()):
        if limit not in allowed:
            yield unchecked(f"{region} {limit}", "Elastic Load Balancing names no such limit")
            continue
        if limit == "target-groups":
            there = len(account.every("elbv2", "DescribeTargetGroups", "TargetGroups", region=region))
        else:
            balancers = account.every("elbv2", "DescribeLoadBalancers", "LoadBalancers", region=region)
            there = sum(found.get("Type", "application") == limit.split("-")[0] for found in balancers)
        yield compare(
            f"{region} {limit}",
            needed=count,
            in_use=there,
            limit=allowed[limit],
            unit=limit.replace("-", " "),
            remedy=f"ask for more in the Service Quotas console of {region}, service Elastic Load Balancing",
        )


Parts = dict[str, list[Resource]]


def _by_balancer(resources: list[Resource]) -> dict[str | Resource, Parts]:
    """Listeners, rules and target groups of each load balancer: ours, or one known by its ARN."""
    parts: dict[str | Resource, Parts] = defaultdict(lambda: defaultdict(list))
    listeners: dict[str | Resource, str | Resource] = {}
    for listener in resources:
        if listener.type == LISTENER and (balancer := _which(listener.get("LoadBalancerArn"), BALANCER)) is not None:
            listeners[listener] = balancer
            parts[balancer]["listeners"].append(listener)
            _add(parts[balancer]["groups"], _forwarded(listener.get("DefaultActions")))
    for rule in resources:
        if rule.type != RULE:
            continue
        listener_or_arn = _which(rule.get("ListenerArn"), LISTENER)
        if listener_or_arn is None:
            continue
        balancer = listeners.get(listener_or_arn)
        if balancer is None and isinstance(listener_or_arn, str):
            balancer = balancer_of(listener_or_arn)
        if balancer is not None:
            parts[balancer]["rules"].append(rule)
            _add(parts[balancer]["groups"], _forwarded(rule.get("Actions")))
    return parts


def _on_one(
    account: Account, region: str, balancer: str | Resource, parts: Parts, allowed: dict[str, float]
) -> Iterator[Answer]:
    if isinstance(balancer, Resource):
        arn, subject = account.physical(balancer), balancer.construct_path
        kind = text(balancer.get("Type")) or "application"
    else:
        arn, subject = balancer, balancer
        kind = "network" if ":loadbalancer/net/" in balancer else "application"
    ours = {physical for kind_of in parts.values() for part in kind_of if (physical := account.physical(part))}
    there = Counter[str]()
    if arn is not None:
        for found in account.every(
            "elbv2", "DescribeTargetGroups", "TargetGroups", region=region, absent=GONE, LoadBalancerArn=arn
        ):
            there["groups"] += found.get("TargetGroupArn") not in ours
        for listener in account.every(
            "elbv2", "DescribeListeners", "Listeners", region=region, absent=GONE, LoadBalancerArn=arn
        ):
            there["listeners"] += listener.get("ListenerArn") not in ours
            for rule in account.every(
                "elbv2", "DescribeRules", "Rules", region=region, absent=GONE, ListenerArn=listener["ListenerArn"]
            ):
                there["rules"] += not rule.get("IsDefault") and rule.get("RuleArn") not in ours
    for part, limit in (("groups", "target-groups-per"), ("rules", "rules-per"), ("listeners", "listeners-per")):
        name = f"{limit}-{kind}-load-balancer"
        if parts[part] and name in allowed:
            yield compare(
                f"{region} {subject}",
                needed=len(parts[part]),
                in_use=there[part],
                limit=allowed[name],
                unit=limit.removesuffix("-per").replace("-", " "),
                note="counted on this load balancer",
                remedy="use another load balancer for some of them"
                if part == "groups"
                else f"ask for more in the Service Quotas console of {region}, service Elastic Load Balancing",
            )


GONE = ("LoadBalancerNotFound", "ListenerNotFound", "TargetGroupNotFound", "RuleNotFound")


@check("listener-priorities", title="The priorities of listener rules are free", constraints=(36,))
def priorities(account: Account, assembly: Assembly) -> Iterator[Answer]:
    rules: dict[tuple[str, str], list[Resource]] = defaultdict(list)
    for region, resources in account.by_region(assembly, RULE).items():
        for rule in resources:
            listener = _which(rule.get("ListenerArn"), LISTENER)
            arn = account.physical(listener) if isinstance(listener, Resource) else listener
            if arn is not None:
                rules[region, arn].append(rule)

    def on_listener(item: tuple[str, str]) -> Iterator[Answer]:
        region, arn = item
        ours = {account.physical(rule) for rule in rules[item]}
        taken = {
            found.get("Priority"): found.get("RuleArn")
            for found in account.every("elbv2", "DescribeRules", "Rules", region=region, absent=GONE, ListenerArn=arn)
            if found.get("RuleArn") not in ours
        }
        free = []
        for rule in rules[item]:
            priority = integer(rule.get("Priority"))
            if str(priority) in taken:
                yield failed(
                    rule.construct_path,
                    f"priority {priority} is taken by {taken[str(priority)]}",
                    remedy="give it a free priority, or delete the other rule",
                )
            else:
                free.append(str(priority))
        if free:
            yield passed(f"{region} {arn.rsplit(':', 1)[-1]}", f"free: {', '.join(free)}")

    yield from account.each(sorted(rules), on_listener, subject=lambda item: f"{item[0]} {item[1]}")


def _which(node: Node, type_: str) -> str | Resource | None:
    """The resource of these stacks, or the ARN of another one."""
    return target(node, type_) or text(node)


def _forwarded(actions: Node) -> list[Resource]:
    groups = []
    for action in entries(actions):
        named = [action.get("TargetGroupArn")]
        named += [tuple_.get("TargetGroupArn") for tuple_ in entries(action.get("ForwardConfig", "TargetGroups"))]
        groups += [group for node in named if (group := target(node, GROUP)) is not None]
    return groups


def _add(groups: list[Resource], more: list[Resource]) -> None:
    groups.extend(group for group in dict.fromkeys(more) if group not in groups)


def balancer_of(listener: str) -> str:
    """A listener's ARN holds its load balancer's: …:listener/app/NAME/ID/LISTENER."""
    head, _, tail = listener.partition(":listener/")
    if tail.count("/") != 3:
        raise UnansweredError(f"{listener} is not the ARN of a listener")
    return f"{head}:loadbalancer/{tail.rsplit('/', 1)[0]}"
