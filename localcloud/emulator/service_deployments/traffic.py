"""Weights in listener rules, moved with the rights of the service's infrastructure role.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/alb-resources-for-blue-green.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.emulator.service_deployments import revisions
from localcloud.emulator.service_deployments.roles import acting_as

PRODUCTION, TEST = "productionListenerRule", "testListenerRule"


class ListenerRuleError(RuntimeError):
    """A listener rule is not one in which traffic can be shifted."""


def shift(
    kind: str, percent: float, *, target: Mapping[str, Any], source: Mapping[str, Any] | None, region: str
) -> None:
    """Send the target revision this share of what the service's production or test rules forward, the source the rest.

    `kind` is PRODUCTION or TEST. Raises ListenerRuleError, and botocore's errors as they come.
    """
    balancers = [each for each in target.get("loadBalancers") or [] if each.get("targetGroupArn")]
    sources = revisions.target_groups(source) if source else []
    for number, (balancer, group) in enumerate(zip(balancers, revisions.target_groups(target), strict=True)):
        advanced = balancer.get("advancedConfiguration") or {}
        both = (balancer["targetGroupArn"], advanced.get("alternateTargetGroupArn"))
        other = sources[number] if number < len(sources) else next((arn for arn in both if arn and arn != group), None)
        if advanced.get(kind) and other and other != group:
            elb = acting_as(advanced.get("roleArn"), "elbv2", region=region)
            _forward(elb, advanced[kind], weights(group, other, percent))


def weights(group: str, other: str, percent: float) -> dict[str, int]:
    """Whole numbers from 0 to 999, as a rule takes them: tenths of a percent need a finer scale."""
    whole = 100 if percent == int(percent) else 1000
    share = round(percent * whole / 100)
    return {group: share, other: whole - share}


def _forward(elb: Any, rule_arn: str, shares: dict[str, int]) -> None:
    rule = elb.describe_rules(RuleArns=[rule_arn])["Rules"][0]
    if [action["Type"] for action in rule["Actions"]] != ["forward"]:
        raise ListenerRuleError(f"{rule_arn} must have one forward action and nothing else to shift traffic in it")
    config = rule["Actions"][0].get("ForwardConfig", {})
    present = [group["TargetGroupArn"] for group in config.get("TargetGroups", [])]
    names = [*present, *(arn for arn in shares if arn not in present)]
    groups = [{"TargetGroupArn": arn, "Weight": shares.get(arn, 0)} for arn in names]
    action = {"Type": "forward", "ForwardConfig": {**config, "TargetGroups": groups}}
    if rule["IsDefault"]:
        elb.modify_listener(ListenerArn=_listener_of(rule_arn), DefaultActions=[action])
    else:
        elb.modify_rule(RuleArn=rule_arn, Actions=[action])


def _listener_of(rule_arn: str) -> str:
    return rule_arn.replace(":listener-rule/", ":listener/", 1).rpartition("/")[0]
