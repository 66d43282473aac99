"""What CloudWatch says of a change of state: the message to SNS topics."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader

from localcloud.emulator.cloudwatch.reasons import precise_time

_ACTIONS = ("OKActions", "AlarmActions", "InsufficientDataActions")


def subject(alarm: Mapping[str, Any], region: str) -> str:
    return f'{alarm["StateValue"]}: "{alarm["AlarmName"]}" in {_region_name(region)}'[:100]


def message(alarm: Mapping[str, Any], *, old_state: str, account: str, region: str) -> dict[str, Any]:
    """The message of an alarm that has just changed its state."""
    content: dict[str, Any] = {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription") or None,
        "AWSAccountId": account,
        "AlarmConfigurationUpdatedTimestamp": precise_time(alarm["AlarmConfigurationUpdatedTimestamp"]),
        "NewStateValue": alarm["StateValue"],
        "NewStateReason": alarm["StateReason"],
        "StateChangeTime": precise_time(alarm["StateUpdatedTimestamp"]),
        "Region": _region_name(region),
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": old_state,
        **{name: alarm.get(name) or [] for name in _ACTIONS},
    }
    if "AlarmRule" in alarm:
        return {**content, "AlarmRule": alarm["AlarmRule"], "TriggeringChildren": _triggering(alarm)}
    return {**content, "Trigger": _trigger(alarm)}


def _triggering(alarm: Mapping[str, Any]) -> list[dict[str, Any]]:
    data = json.loads(alarm.get("StateReasonData") or "{}")
    return [
        {"Arn": child["arn"], "State": {"Value": child["state"]["value"], "Timestamp": child["state"]["timestamp"]}}
        for child in data.get("triggeringAlarms", ())
    ]


def _trigger(alarm: Mapping[str, Any]) -> dict[str, Any]:
    common = {
        "Period": alarm.get("Period"),
        "EvaluationPeriods": alarm.get("EvaluationPeriods"),
        "DatapointsToAlarm": alarm.get("DatapointsToAlarm"),
        "ComparisonOperator": alarm.get("ComparisonOperator"),
        "Threshold": alarm.get("Threshold"),
        "TreatMissingData": alarm.get("TreatMissingData") or "missing",
        "EvaluateLowSampleCountPercentile": alarm.get("EvaluateLowSampleCountPercentile") or "",
    }
    if alarm.get("Metrics"):
        metrics = [_metric_query(query) for query in alarm["Metrics"]]
        return {name: value for name, value in common.items() if value is not None} | {"Metrics": metrics}
    extended = alarm.get("ExtendedStatistic")
    statistic = (
        {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": extended}
        if extended
        else {"StatisticType": "Statistic", "Statistic": _upper(alarm.get("Statistic", ""))}
    )
    named = {
        "MetricName": alarm.get("MetricName"),
        "Namespace": alarm.get("Namespace"),
        **statistic,
        "Unit": alarm.get("Unit"),
        "Dimensions": _dimensions(alarm.get("Dimensions") or ()),
    }
    return named | {name: value for name, value in common.items() if value is not None}


def _metric_query(query: Mapping[str, Any]) -> dict[str, Any]:
    if "MetricStat" not in query:
        return dict(query)
    stat = query["MetricStat"]
    metric = {**stat["Metric"], "Dimensions": _dimensions(stat["Metric"].get("Dimensions") or ())}
    return {**query, "MetricStat": {**stat, "Metric": metric}}


def _dimensions(dimensions: Any) -> list[dict[str, str]]:
    return [{"value": item["Value"], "name": item["Name"]} for item in dimensions]


def _upper(statistic: str) -> str:
    return "SAMPLE_COUNT" if statistic == "SampleCount" else statistic.upper()


@cache
def _region_name(region: str) -> str:
    """What AWS calls a region where people read it: US East (N. Virginia)."""
    for partition in Loader().load_data("partitions")["partitions"]:
        if region in partition["regions"]:
            return str(partition["regions"][region].get("description", region))
    return region
