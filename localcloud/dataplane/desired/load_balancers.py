"""Application load balancers and target groups as specs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud import layout
from localcloud.dataplane.desired.api import Reader
from localcloud.dataplane.errors import UnsupportedError
from localcloud.dataplane.specs import (
    Action,
    Condition,
    FixedResponseAction,
    ForwardAction,
    HealthCheckSpec,
    ListenerSpec,
    LoadBalancerSpec,
    QueryCondition,
    RedirectAction,
    RuleSpec,
    SourceCondition,
    Target,
    TargetGroupSpec,
    TextCondition,
)

_ELB = "elbv2"
_ATTRIBUTES_AGE = 5.0
_REDIRECT_PARTS = ("protocol", "host", "port", "path", "query")
_TEXT_CONFIGS = {
    "host-header": "HostHeaderConfig",
    "path-pattern": "PathPatternConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
}


@dataclass(frozen=True, kw_only=True)
class LoadBalancers:
    """`tags` by load balancer ARN; `refused` has (kind, name, message) of those that need what is not available."""

    balancers: tuple[LoadBalancerSpec, ...]
    groups: tuple[TargetGroupSpec, ...]
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    refused: tuple[tuple[str, str, str], ...] = ()


def load_balancers(readers: Sequence[Reader]) -> LoadBalancers:
    described = [
        (reader, balancer)
        for reader in readers
        for balancer in reader.all(_ELB, "describe_load_balancers", "LoadBalancers")
    ]
    # The oldest one gets the ports that people know by heart.
    described.sort(key=lambda each: (str(each[1].get("CreatedTime", "")), each[1]["LoadBalancerArn"]))
    specs, tags, refused, used = [], {}, [], set()
    for position, (reader, balancer) in enumerate(described):
        arn = balancer["LoadBalancerArn"]
        tags[arn] = _tags(reader, arn)
        try:
            spec = _balancer(reader, balancer, first=position == 0)
        except UnsupportedError as error:
            refused.append(("loadbalancer", balancer["LoadBalancerName"], str(error)))
            continue
        specs.append(spec)
        used |= _named_groups(spec)
    groups = [
        _group(reader, group)
        for reader in readers
        for group in reader.all(_ELB, "describe_target_groups", "TargetGroups")
        if group["TargetGroupArn"] in used
    ]
    return LoadBalancers(balancers=tuple(specs), groups=tuple(groups), tags=tags, refused=tuple(refused))


def _named_groups(spec: LoadBalancerSpec) -> set[str]:
    actions = [rule.action for listener in spec.listeners for rule in listener.rules]
    return {arn for action in actions if isinstance(action, ForwardAction) for arn, _ in action.weights}


def _tags(reader: Reader, arn: str) -> dict[str, str]:
    described = reader.all(_ELB, "describe_tags", "TagDescriptions", seconds=_ATTRIBUTES_AGE, ResourceArns=[arn])
    return {tag["Key"]: tag.get("Value", "") for each in described for tag in each["Tags"]}


def _balancer(reader: Reader, balancer: dict[str, Any], *, first: bool) -> LoadBalancerSpec:
    if balancer["Type"] != "application":
        raise UnsupportedError(f"load balancers of type {balancer['Type']} are not available here")
    arn, name = balancer["LoadBalancerArn"], balancer["LoadBalancerName"]
    attributes = _attributes(reader, "describe_load_balancer_attributes", LoadBalancerArn=arn)
    listeners = reader.all(_ELB, "describe_listeners", "Listeners", LoadBalancerArn=arn)
    return LoadBalancerSpec(
        arn=arn,
        name=name,
        idle_timeout=int(attributes.get("idle_timeout.timeout_seconds", 60)),
        drop_invalid_header_fields=attributes.get("routing.http.drop_invalid_header_fields.enabled") == "true",
        forwarded_for=attributes.get("routing.http.xff_header_processing.mode", "append"),
        listeners=tuple(
            ListenerSpec(
                arn=listener["ListenerArn"],
                port=listener["Port"],
                local_port=_local_port(arn, listener["Port"], first=first),
                protocol=listener["Protocol"],
                rules=_rules(reader, listener["ListenerArn"]),
            )
            for listener in listeners
        ),
    )


def _local_port(arn: str, port: int, *, first: bool) -> int:
    usual = layout.ports().listener(port) if first else None
    return usual or layout.allocate_port("listener", f"{arn}:{port}")


def _attributes(reader: Reader, operation: str, **which: str) -> dict[str, str]:
    found = reader.all(_ELB, operation, "Attributes", seconds=_ATTRIBUTES_AGE, **which)
    return {attribute["Key"]: attribute.get("Value", "") for attribute in found}


def _rules(reader: Reader, listener: str) -> tuple[RuleSpec, ...]:
    described = reader.all(_ELB, "describe_rules", "Rules", ListenerArn=listener)
    return tuple(rule(each) for each in sorted(described, key=_precedence))


def _precedence(described: dict[str, Any]) -> float:
    priority = described["Priority"]
    return math.inf if priority == "default" else int(priority)


def rule(described: dict[str, Any]) -> RuleSpec:
    """A rule as DescribeRules shows it. Raises UnsupportedError."""
    name = described["RuleArn"].rsplit("/", 1)[-1]
    if described.get("Transforms"):
        raise UnsupportedError(f"rule {name}: transforms are not available here")
    conditions = tuple(_condition(each) for each in described.get("Conditions", []))
    return RuleSpec(arn=described["RuleArn"], conditions=conditions, action=_action(name, described["Actions"]))


def _condition(described: dict[str, Any]) -> Condition:
    field = described["Field"]
    match field:
        case "source-ip":
            return SourceCondition(networks=tuple(described["SourceIpConfig"]["Values"]))
        case "query-string":
            pairs = described["QueryStringConfig"]["Values"]
            return QueryCondition(pairs=tuple((pair.get("Key", ""), pair["Value"]) for pair in pairs))
        case _ if field in _TEXT_CONFIGS:
            config = described.get(_TEXT_CONFIGS[field], {})
            return TextCondition(
                field=field,
                values=tuple(config.get("Values") or described.get("Values", [])),
                regexes=tuple(config.get("RegexValues") or described.get("RegexValues", [])),
                header=config.get("HttpHeaderName", ""),
            )
        case _:
            raise UnsupportedError(f"rule condition {field} is not available here")


def _action(rule_name: str, actions: list[dict[str, Any]]) -> Action:
    last = max(actions, key=lambda action: action.get("Order", 0))
    if len(actions) > 1:
        kinds = ", ".join(action["Type"] for action in actions)
        raise UnsupportedError(f"rule {rule_name}: the actions {kinds} are not available here")
    match last["Type"]:
        case "forward":
            config = last.get("ForwardConfig", {})
            if config.get("TargetGroupStickinessConfig", {}).get("Enabled"):
                raise UnsupportedError(f"rule {rule_name}: stickiness is not available here")
            groups = config.get("TargetGroups") or [{"TargetGroupArn": last["TargetGroupArn"], "Weight": 1}]
            return ForwardAction(
                weights=tuple((group["TargetGroupArn"], int(group.get("Weight", 1))) for group in groups)
            )
        case "redirect":
            config = last["RedirectConfig"]
            status = int(config["StatusCode"].removeprefix("HTTP_"))
            return RedirectAction(
                status=status, **{part: str(config[part.title()]) for part in _REDIRECT_PARTS if part.title() in config}
            )
        case "fixed-response":
            config = last["FixedResponseConfig"]
            return FixedResponseAction(
                status=int(config["StatusCode"]),
                content_type=config.get("ContentType") or "text/plain",
                body=config.get("MessageBody") or "",
            )
        case kind:
            raise UnsupportedError(f"rule {rule_name}: the action {kind} is not available here")


def _group(reader: Reader, group: dict[str, Any]) -> TargetGroupSpec:
    arn = group["TargetGroupArn"]
    attributes = _attributes(reader, "describe_target_group_attributes", TargetGroupArn=arn)
    described = reader.all(_ELB, "describe_target_health", "TargetHealthDescriptions", TargetGroupArn=arn)
    targets = [
        Target(address=each["Target"]["Id"], port=int(each["Target"].get("Port") or group["Port"]))
        for each in described
        if each["TargetHealth"]["State"] != "draining"
    ]
    check_port = group.get("HealthCheckPort", "traffic-port")
    return TargetGroupSpec(
        arn=arn,
        name=group["TargetGroupName"],
        protocol=group.get("Protocol", "HTTP"),
        protocol_version=group.get("ProtocolVersion", "HTTP1"),
        algorithm=attributes.get("load_balancing.algorithm.type", "round_robin"),
        slow_start=int(attributes.get("slow_start.duration_seconds", 0)),
        targets=tuple(sorted(targets)),
        health_check=HealthCheckSpec(
            path=group.get("HealthCheckPath", "/"),
            protocol=group.get("HealthCheckProtocol", "HTTP"),
            port=int(check_port) if str(check_port).isdigit() else None,
            codes=group.get("Matcher", {}).get("HttpCode") or "200",
            interval=int(group.get("HealthCheckIntervalSeconds", 30)),
            timeout=int(group.get("HealthCheckTimeoutSeconds", 5)),
            healthy_threshold=int(group.get("HealthyThresholdCount", 5)),
            unhealthy_threshold=int(group.get("UnhealthyThresholdCount", 2)),
        ),
    )
