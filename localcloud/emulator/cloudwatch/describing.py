"""DescribeAlarms and DescribeAlarmsForMetric over the records of a region's alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from localcloud.emulator.cloudwatch.metrics import dimensions_of

Record = Mapping[str, Any]

_AT_ONCE = 50
_LISTS = ("AlarmActions", "OKActions", "InsufficientDataActions")
_OF_METRIC = ("Statistic", "ExtendedStatistic", "Period", "Unit")
_OF_FAMILY = ("AlarmArn", "AlarmName", "StateValue", "StateUpdatedTimestamp")


def describe_alarms(
    asked: Record,
    *,
    metric_alarms: Iterable[Record],
    composite_alarms: Iterable[Record],
    children: Callable[[Record], list[str]],
) -> dict[str, Any]:
    """`children` gives the names that a composite alarm's rule refers to. Raises ValueError."""
    by_kind = {"MetricAlarm": list(metric_alarms), "CompositeAlarm": list(composite_alarms)}
    listed = [(record["AlarmName"], kind, record) for kind, records in by_kind.items() for record in records]
    if family := _family(asked, by_kind["CompositeAlarm"], children):
        found = [(name, kind, _brief(record)) for name, kind, record in listed if name in family]
    else:
        kinds = asked.get("AlarmTypes") or ["MetricAlarm"]
        found = [one for one in listed if one[1] in kinds and _matches(asked, one[2])]
    found.sort(key=lambda one: one[:2])
    # As on AWS, the token is the name of the next page's first alarm.
    rest = [one for one in found if one[0] >= (asked.get("NextToken") or "")]
    most = _at_most(asked.get("MaxRecords"))
    answer: dict[str, Any] = {
        f"{wanted}s": [_described(record) for _, kind, record in rest[:most] if kind == wanted] for wanted in by_kind
    }
    if len(rest) > most:
        answer["NextToken"] = rest[most][0]
    return answer


def describe_alarms_for_metric(asked: Record, metric_alarms: Iterable[Record]) -> dict[str, Any]:
    """The alarms on exactly this metric; an alarm on an expression is on none."""
    wanted = dimensions_of(asked.get("Dimensions") or ())
    found = [
        _described(record)
        for record in metric_alarms
        if (record.get("Namespace"), record.get("MetricName")) == (asked["Namespace"], asked["MetricName"])
        and dimensions_of(record.get("Dimensions") or ()) == wanted
        and all(asked.get(name) in (None, record.get(name)) for name in _OF_METRIC)
    ]
    return {"MetricAlarms": found}


def _family(asked: Record, composites: list[Record], children: Callable[[Record], list[str]]) -> set[str] | None:
    if name := asked.get("ChildrenOfAlarmName"):
        return {child for record in composites if record["AlarmName"] == name for child in children(record)} or {""}
    if name := asked.get("ParentsOfAlarmName"):
        return {record["AlarmName"] for record in composites if name in children(record)} or {""}
    return None


def _matches(asked: Record, record: Record) -> bool:
    names, prefix, action = asked.get("AlarmNames"), asked.get("AlarmNamePrefix"), asked.get("ActionPrefix")
    return (
        (not names or record["AlarmName"] in names)
        and (not prefix or record["AlarmName"].startswith(prefix))
        and asked.get("StateValue") in (None, "", record["StateValue"])
        and (not action or any(one.startswith(action) for name in _LISTS for one in record.get(name) or ()))
    )


def _brief(record: Record) -> Record:
    return {name: record[name] for name in _OF_FAMILY}


def _described(record: Record) -> dict[str, Any]:
    """Times as times, and without what was never given."""
    return {
        name: datetime.fromtimestamp(value, UTC) if name.endswith("Timestamp") else value
        for name, value in record.items()
        if value is not None
    }


def _at_most(asked: Any) -> int:
    most = int(asked or _AT_ONCE)
    if not 1 <= most <= 100:
        raise ValueError(f"Value '{most}' at 'maxRecords' failed to satisfy constraint: it must be between 1 and 100")
    return most
