"""An alarm as CloudWatch tells it, and the message that people read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

RECENT = timedelta(minutes=60)
"""A deployment that began within this time before an alarm is worth a look."""

MAX_SUBJECT = 100
"""Characters of an e-mail's subject (SNS Publish)."""

QUERY = (
    "fields @timestamp, level, event, @message "
    '| filter level in ["warning", "error", "critical"] | sort @timestamp desc | limit 50'
)


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """`facts` are the `key: value` lines of the description, `says` its first line."""

    name: str
    state: str
    since: str
    reason: str
    region: str
    says: str
    facts: Mapping[str, str]
    children: Sequence[str]

    @property
    def red(self) -> bool:
        return self.state == "ALARM"


@dataclass(frozen=True, kw_only=True)
class Deployment:
    service: str
    started: datetime
    state: str


@dataclass(frozen=True, kw_only=True)
class Around:
    """What else is known at the time: full names of red alarms, deployments, log groups by service."""

    prefix: str
    log_groups: Mapping[str, str]
    red: Sequence[str] = ()
    deployments: Sequence[Deployment] = ()


@dataclass(frozen=True, kw_only=True)
class Message:
    """`key` is the same for an alarm's beginning and its end, by which a pager joins them."""

    key: str
    severity: str
    red: bool
    subject: str
    text: str
    links: Mapping[str, str] = field(default_factory=dict)


def parse(text: str) -> Alarm | None:
    """An alarm's change of state; None for any other message."""
    try:
        told = json.loads(text)
    except json.JSONDecodeError:
        return None
    if not isinstance(told, dict) or "AlarmName" not in told:
        return None
    says, facts = _described(told.get("AlarmDescription") or "")
    return Alarm(
        name=told["AlarmName"],
        state=told["NewStateValue"],
        since=told.get("StateChangeTime", ""),
        reason=told.get("NewStateReason", ""),
        # The name of the region is in words; the ARN has its code.
        region=(told.get("AlarmArn", "") + ":::::").split(":")[3],
        says=says,
        facts=facts,
        children=[_name_of(child["Arn"]) for child in told.get("TriggeringChildren") or [] if "Arn" in child],
    )


def _described(text: str) -> tuple[str, dict[str, str]]:
    first, _, rest = text.partition("\n")
    return first, dict(line.split(": ", 1) for line in rest.splitlines() if ": " in line)


def _name_of(arn: str) -> str:
    return arn.rsplit(":", 1)[-1]


def passed_on(subject: str, text: str, *, severity: str) -> Message:
    """What a budget or the cost anomaly detection says, under our heading."""
    title = subject or "Message from AWS"
    return Message(
        key=title, severity=severity, red=False, subject=_subject(f"{severity} {title}"), text=f"{title}\n\n{text}"
    )


def about(alarm: Alarm, *, severity: str, around: Around) -> Message:
    """What people read about an alarm that turned red, or is over."""
    name = alarm.name.removeprefix(around.prefix)
    state = {"ALARM": "ALARM", "OK": "over"}.get(alarm.state, "no data")
    head = f"{severity} {state}: {name} ({around.prefix.strip('-')})"
    links = {
        "runbook": alarm.facts.get("runbook", ""),
        "dashboard": alarm.facts.get("dashboard", ""),
        "logs": _log_link(alarm, around),
    }
    lines = {
        "since": alarm.since,
        "value": _value(alarm),
        "threshold": alarm.facts.get("threshold", alarm.facts.get("when", "")),
        "owner": alarm.facts.get("owner", ""),
    }
    if alarm.red:
        lines |= {
            "by": ", ".join(child.removeprefix(around.prefix) for child in alarm.children),
            "also red": ", ".join(_others(alarm, around)),
            "likely": "; ".join(causes(alarm, around)),
        }
    body = [f"{key:<10} {value}" for key, value in {**lines, **links}.items() if value]
    return Message(
        key=alarm.name,
        severity=severity,
        red=alarm.red,
        subject=_subject(head),
        text="\n".join([head, alarm.says, "", *body]),
        links={key: value for key, value in links.items() if value},
    )


def causes(alarm: Alarm, around: Around) -> list[str]:
    """Why probably: alarms that explain this one and are red, then deployments that have just begun."""
    red = {name.removeprefix(around.prefix) for name in around.red}
    known = [name for name in alarm.facts.get("causes", "").split(", ") if name in red]
    now = datetime.now(tz=UTC)
    recent = [
        f"{one.service} was deployed {_ago(now - one.started)} ago ({one.state.lower() or 'state unknown'})"
        for one in around.deployments
        if now - one.started <= RECENT
    ]
    return [*(f"{name} is red: see that first" for name in known), *recent]


def _others(alarm: Alarm, around: Around) -> list[str]:
    return [name.removeprefix(around.prefix) for name in around.red if name not in (alarm.name, *alarm.children)]


def _ago(passed: timedelta) -> str:
    minutes = int(passed.total_seconds() // 60)
    return f"{minutes} min" if minutes else "less than a minute"


def _value(alarm: Alarm) -> str:
    """The data points that CloudWatch names in its reason: `[7.0 (28/11/26 06:33:00)]`."""
    found = re.search(r"\[([^\]]+)\]", alarm.reason)
    if not found:
        return ""
    return ", ".join(re.findall(r"(-?\d+(?:\.\d+)?(?:E-?\d+)?) \(", found[1])) or found[1]


def _log_link(alarm: Alarm, around: Around) -> str:
    """CloudWatch Logs Insights with the warnings of the service's last hour."""
    group = around.log_groups.get(alarm.facts.get("logs", ""), "")
    if not group:
        return ""
    detail = (
        "(end~0~start~-3600~timeType~'RELATIVE~unit~'seconds"
        f"~editorString~'{_console(QUERY)}~source~(~'{_console(group)}))"
    )
    region = alarm.region
    return (
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        f"#logsV2:logs-insights$3FqueryDetail$3D~{detail}"
    )


def _console(text: str) -> str:
    """As the console writes values in its addresses: percent-encoded, with a star for the percent sign."""
    return quote(text, safe="").replace("%", "*")


def _subject(text: str) -> str:
    return text.encode("ascii", "replace").decode()[:MAX_SUBJECT]


def as_dict(message: Message) -> dict[str, Any]:
    """For endpoints that take JSON."""
    return {
        "severity": message.severity,
        "red": message.red,
        "subject": message.subject,
        "text": message.text,
        "links": dict(message.links),
    }
