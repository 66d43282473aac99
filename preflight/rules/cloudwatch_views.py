"""Composite alarms and dashboards: what CloudWatch reads as a text of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.cloudwatch import ALARM, COMPOSITE
from preflight.rules.ordering import made_before
from preflight.rules.support import as_json
from preflight.values import Node, Reference, Text, text

_DASHBOARD = "AWS::CloudWatch::Dashboard"

_PUT_COMPOSITE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html"
_PUT_DASHBOARD = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html"
_BODY = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"

_CHILD = re.compile(r"""\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]*)"|'([^']*)'|([^()"']*?))\s*\)""")


def _rendered(node: Node) -> str:
    """A text with a stand-in for each part that is not known: the same one for the same reference."""
    value = node.value
    if isinstance(value, str):
        return value
    if not isinstance(value, Text):
        return ""
    return "".join(
        part
        if isinstance(part, str)
        else f"\0{part.resource.stack.name}.{part.resource.logical_id}"
        if isinstance(part, Reference)
        else f"\0{index}"
        for index, part in enumerate(value.parts)
    )


def _children(alarm: Resource) -> set[str]:
    """What a composite alarm's rule names: names, ARNs, or stand-ins."""
    return {next(filter(None, found.groups()), "") for found in _CHILD.finditer(_rendered(alarm.get("AlarmRule")))}


@rule(
    "CW-105",
    constraint=105,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The rule of a composite alarm has at most 10240 characters and 100 alarms",
    otherwise="PutCompositeAlarm refuses the alarm.",
    remedy="Join the alarms in groups, and the groups in one composite alarm.",
    source=_PUT_COMPOSITE,
    types=(COMPOSITE,),
)
def composite_rule(alarm: Resource) -> Iterator[Fault]:
    node = alarm.get("AlarmRule")
    known = node.value if isinstance(node.value, str) else node.value.literal if isinstance(node.value, Text) else ""
    if len(known) > 10_240:
        yield Fault(at="AlarmRule", message=f"a rule of {len(known)} characters or more")
    children = _children(alarm)
    if len(children) > 100:
        yield Fault(at="AlarmRule", message=f"a rule over {len(children)} alarms")


@rule(
    "CW-105b",
    constraint=105,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="The alarms that a composite alarm names are made before it",
    otherwise="PutCompositeAlarm refuses a rule over alarms that do not exist yet.",
    remedy="Refer to the alarms by Ref or Arn, or list them in DependsOn.",
    source="https://github.com/aws/aws-cdk/issues/12662",
    types=(COMPOSITE,),
    lacks=("DependsOn",),
)
def children_first(alarm: Resource) -> Iterator[Fault]:
    assembly, earlier = alarm.stack.assembly, made_before(alarm)
    for child in sorted(_children(alarm)):
        other = assembly.named(ALARM, child) or assembly.named(COMPOSITE, child)
        if other is not None and other.stack is alarm.stack and other.logical_id not in {*earlier, alarm.logical_id}:
            yield Fault(at="AlarmRule", message=f"names {other.logical_id}, and nothing has it made first")


@rule(
    "CW-206",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A suppressor comes with its wait and extension periods",
    otherwise="PutCompositeAlarm refuses the alarm.",
    remedy="Give ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod beside ActionsSuppressor.",
    source=_PUT_COMPOSITE,
    types=(COMPOSITE,),
)
def suppressor(alarm: Resource) -> Iterator[Fault]:
    if not alarm.get("ActionsSuppressor").present:
        return
    for key in ("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod"):
        if alarm.get(key).absent:
            yield Fault(at=key, message=f"a suppressor without {key}")


@rule(
    "CW-106",
    constraint=106,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The name of a dashboard has 1 to 255 letters, digits, hyphens and underscores",
    otherwise="PutDashboard refuses the name.",
    remedy="Write hyphens for dots, slashes and spaces.",
    source=_PUT_DASHBOARD,
    types=(_DASHBOARD,),
)
def dashboard_name(dashboard: Resource) -> Iterator[Fault]:
    node = dashboard.get("DashboardName")
    known = node.value.literal.replace("\0", "x") if isinstance(node.value, Text) else text(node)
    if known is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,255}", known):
        yield Fault(at="DashboardName", message=f"name {known[:80]!r}")


@rule(
    "CW-106b",
    constraint=106,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The body of a dashboard is a JSON object with at most 500 widgets",
    otherwise="PutDashboard refuses the body.",
    remedy="Have the body written by a JSON writer, and split large dashboards.",
    source=_BODY,
    types=(_DASHBOARD,),
)
def dashboard_body(dashboard: Resource) -> Iterator[Fault]:
    candidates = as_json(dashboard.get("DashboardBody"))
    if not candidates:
        return
    bodies = [body for body in map(_parsed, candidates) if body is not None]
    if not bodies:
        yield Fault(at="DashboardBody", message="not JSON")
    elif not isinstance(bodies[0], dict):
        yield Fault(at="DashboardBody", message="JSON, but not an object")
    elif not isinstance(widgets := bodies[0].get("widgets", []), list) or len(widgets) > 500:
        count = len(widgets) if isinstance(widgets, list) else 0
        yield Fault(at="DashboardBody", message=f"{count} widgets" if count else "widgets that are not a list")


def _parsed(body: str) -> object | None:
    try:
        parsed: object = json.loads(body, strict=False)
    except (ValueError, RecursionError):
        return None
    return parsed
