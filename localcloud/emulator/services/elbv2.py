"""Load balancers: whole actions with weights, and targets told apart by their port."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.services import alb
from ministack.services.cloudformation import provisioners

from localcloud import layout
from localcloud.emulator import coercion, wire
from localcloud.emulator.corrections import replace

Record = dict[str, Any]


def install() -> None:
    # Upstream reads and shows one target group of a forward action, and drops weights and stickiness.
    replace(alb, "_parse_actions", _parse_actions)
    replace(alb, "_action_xml", lambda action: wire.element("elbv2", "Action", "member", _shown(action)))
    replace(provisioners, "_elbv2_listener_actions", _template_actions)
    # Upstream loses what a query string has to have, and then shows a condition without values.
    replace(alb, "_parse_conditions", _with_queries_of_calls(alb._parse_conditions))
    replace(alb, "_condition_xml", _showing_queries(alb._condition_xml))
    flatten = provisioners._flatten_listener_rule_conditions
    replace(provisioners, "_flatten_listener_rule_conditions", _with_queries_of_templates(flatten))
    # Upstream takes targets with one address for one target; here all tasks share 127.0.0.1.
    alb._ACTION_MAP |= {
        "RegisterTargets": _register_targets,
        "DeregisterTargets": _deregister_targets,
        "DescribeTargetHealth": _describe_target_health,
        # Upstream overlooks target groups that rules name.
        "DescribeTargetGroups": _describe_target_groups,
    }


def _parse_actions(parameters: Any, prefix: str = "DefaultActions") -> list[Record]:
    return [_normalized(action) for action in wire.read_query("elbv2", "Actions", parameters, prefix)]


def _template_actions(properties: Any, balancer: str | None, prop: str = "DefaultActions") -> list[Record]:
    actions = [
        _normalized({"Order": number, **coercion.to_shape("elbv2", "Action", action)})
        for number, action in enumerate(properties.get(prop) or [], start=1)
    ]
    for action in actions:
        for group in _groups(action):
            # A target group belongs to the load balancer that forwards to it.
            balancers = alb._tgs[group]["LoadBalancerArns"] if group in alb._tgs else []
            if balancer and balancer not in balancers:
                balancers.append(balancer)
    return actions


def _with_queries_of_calls(stock: Callable[..., list[Record]]) -> Callable[..., list[Record]]:
    def parse(parameters: Any, prefix: str = "Conditions") -> list[Record]:
        whole = wire.read_query("elbv2", "RuleConditionList", parameters, prefix)
        return [_with_query(kept, given) for kept, given in zip(stock(parameters, prefix), whole, strict=True)]

    return parse


def _with_queries_of_templates(stock: Callable[[Any], list[Record]]) -> Callable[[Any], list[Record]]:
    def flatten(conditions: Any) -> list[Record]:
        return [
            _with_query(kept, coercion.to_shape("elbv2", "RuleCondition", given))
            for kept, given in zip(stock(conditions), conditions or [], strict=True)
        ]

    return flatten


def _with_query(kept: Record, given: Record) -> Record:
    if given.get("Field") != "query-string":
        return kept
    return {"Field": "query-string", "Values": [], "QueryStringConfig": given["QueryStringConfig"]}


def _showing_queries(stock: Callable[[Record], str]) -> Callable[[Record], str]:
    def show(condition: Record) -> str:
        if "QueryStringConfig" not in condition:
            return stock(condition)
        return str(wire.element("elbv2", "RuleCondition", "member", condition))

    return show


def _normalized(action: Record) -> Record:
    """As ELB shows a forward action: the simple form has the long form beside it, one group of the long the simple."""
    groups = action.get("ForwardConfig", {}).get("TargetGroups", [])
    if action.get("TargetGroupArn") and not groups:
        action["ForwardConfig"] = {"TargetGroups": [{"TargetGroupArn": action["TargetGroupArn"], "Weight": 1}]}
    elif len(groups) == 1:
        action["TargetGroupArn"] = groups[0]["TargetGroupArn"]
    return action


def _shown(action: Record) -> Record:
    oidc = {key: value for key, value in action.get("AuthenticateOidcConfig", {}).items() if key != "ClientSecret"}
    return {**action, **({"AuthenticateOidcConfig": oidc} if oidc else {})}


def _groups(action: Record) -> list[str]:
    return [group["TargetGroupArn"] for group in action.get("ForwardConfig", {}).get("TargetGroups", [])]


def _describe_target_groups(parameters: Any) -> Any:
    """A target group belongs to the load balancers that forward to it."""
    balancers: dict[str, list[str]] = {}
    for rule in alb._rules.values():
        balancer = alb._listeners.get(rule["ListenerArn"], {}).get("LoadBalancerArn")
        for group in [group for action in rule["Actions"] for group in _groups(action)] if balancer else []:
            if balancer not in balancers.setdefault(group, []):
                balancers[group].append(balancer)
    for arn, record in alb._tgs.items():
        record["LoadBalancerArns"] = balancers.get(arn, [])
    return alb._describe_tgs(parameters)


def _place(group: str, target: Record) -> tuple[str, int]:
    return str(target["Id"]), int(target.get("Port") or alb._tgs[group].get("Port", 80))


def _register_targets(parameters: Any) -> Any:
    group = alb._p(parameters, "TargetGroupArn")
    if group not in alb._tgs:
        return alb._error("TargetGroupNotFound", f"Target group '{group}' not found.")
    targets = alb._targets.setdefault(group, [])
    known = {_place(group, target) for target in targets}
    for target in alb._parse_targets_param(parameters):
        if _place(group, target) not in known:
            targets.append({**target, "Port": _place(group, target)[1]})
            known.add(_place(group, target))
    return alb._empty("RegisterTargets")


def _deregister_targets(parameters: Any) -> Any:
    group = alb._p(parameters, "TargetGroupArn")
    if group not in alb._tgs:
        return alb._error("TargetGroupNotFound", f"Target group '{group}' not found.")
    gone = {_place(group, target) for target in alb._parse_targets_param(parameters)}
    alb._targets[group] = [target for target in alb._targets.get(group, []) if _place(group, target) not in gone]
    return alb._empty("DeregisterTargets")


def _describe_target_health(parameters: Any) -> Any:
    group = alb._p(parameters, "TargetGroupArn")
    if group not in alb._tgs:
        return alb._error("TargetGroupNotFound", f"Target group '{group}' not found.")
    asked = {_place(group, target) for target in alb._parse_targets_param(parameters)}
    seen = target_states().get(group)
    found = []
    for target in alb._targets.get(group, []):
        place = _place(group, target)
        if asked and place not in asked:
            continue
        state = (seen or {}).get(f"{place[0]}:{place[1]}", "initial") if seen is not None else "unused"
        reasons = {
            "unused": ("Target.NotInUse", "The load balancer's data plane does not report on this target group"),
            "initial": ("Elb.RegistrationInProgress", "Target registration is in progress"),
            "unhealthy": ("Target.FailedHealthChecks", "Health checks failed"),
        }
        health = {"State": state}
        if state in reasons:
            health["Reason"], health["Description"] = reasons[state]
        found.append({"Target": {"Id": place[0], "Port": place[1]}, "TargetHealth": health})
    return (
        200,
        {"Content-Type": "text/xml"},
        wire.answer("elbv2", "DescribeTargetHealth", {"TargetHealthDescriptions": found}),
    )


def target_states() -> dict[str, dict[str, str]]:
    """What the data plane saw last: healthy, unhealthy or initial, by "address:port" by target group ARN."""
    found: dict[str, dict[str, str]] = _said_by_the_data_plane("target-health.json")
    return found


def served_weights() -> dict[str, dict[str, int]]:
    """What the data plane acts on: weights by target group ARN by rule ARN."""
    found: dict[str, dict[str, int]] = _said_by_the_data_plane("served-weights.json")
    return found


def _said_by_the_data_plane(name: str) -> Any:
    try:
        return json.loads((layout.home() / "dataplane" / name).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
