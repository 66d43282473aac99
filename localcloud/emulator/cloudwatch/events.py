"""The event "CloudWatch Alarm State Change" ("Alarm events and EventBridge" in CloudWatch's user guide)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.emulator.cloudwatch.reasons import precise_time

Record = Mapping[str, Any]


def state_change(alarm: Record, before: Record) -> dict[str, Any]:
    """The event's detail."""
    return {
        "alarmName": alarm["AlarmName"],
        "state": _state(alarm),
        "previousState": _state(before),
        "configuration": _configuration(alarm),
    }


def _state(alarm: Record) -> dict[str, Any]:
    state = {
        "value": alarm["StateValue"],
        "reason": alarm["StateReason"],
        "reasonData": alarm.get("StateReasonData"),
        "timestamp": precise_time(alarm["StateUpdatedTimestamp"]),
        "actionsSuppressedBy": alarm.get("ActionsSuppressedBy"),
        "actionsSuppressedReason": alarm.get("ActionsSuppressedReason"),
    }
    return {name: value for name, value in state.items() if value is not None}


def _configuration(alarm: Record) -> dict[str, Any]:
    described = {"description": alarm["AlarmDescription"]} if alarm.get("AlarmDescription") else {}
    if "AlarmRule" in alarm:
        suppressor = {
            name: alarm[member]
            for name, member in {
                "actionsSuppressor": "ActionsSuppressor",
                "actionsSuppressorWaitPeriod": "ActionsSuppressorWaitPeriod",
                "actionsSuppressorExtensionPeriod": "ActionsSuppressorExtensionPeriod",
            }.items()
            if alarm.get(member) is not None
        }
        return {**described, "alarmRule": alarm["AlarmRule"], **suppressor}
    if alarm.get("Metrics"):
        return {**described, "metrics": [_query(query) for query in alarm["Metrics"]]}
    stat = {
        "metric": _metric(alarm),
        "period": alarm.get("Period"),
        "stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic"),
    }
    if alarm.get("Unit"):
        stat["unit"] = alarm["Unit"]
    return {**described, "metrics": [{"id": "m1", "metricStat": stat, "returnData": True}]}


def _query(query: Record) -> dict[str, Any]:
    common = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
    if label := query.get("Label"):
        common["label"] = label
    if "MetricStat" not in query:
        return {**common, "expression": query["Expression"]}
    stat = query["MetricStat"]
    return {
        **common,
        "metricStat": {"metric": _metric(stat["Metric"]), "period": stat["Period"], "stat": stat["Stat"]},
    }


def _metric(metric: Record) -> dict[str, Any]:
    return {
        "namespace": metric["Namespace"],
        "name": metric["MetricName"],
        "dimensions": {item["Name"]: item["Value"] for item in metric.get("Dimensions") or ()},
    }
