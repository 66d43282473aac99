"""The alarms that are deployed, as DescribeAlarms tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localcloud import aws
from localcloud.drill.titles import title_of


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """`facts` are the `key: value` lines of its description: severity, runbook, dashboard and others."""

    name: str
    title: str
    facts: Mapping[str, str]
    composite: bool
    state: str
    record: Mapping[str, Any]

    @property
    def severity(self) -> str:
        """P0, P1 or P2; empty for alarms that machines act on."""
        return self.facts.get("severity", "")

    @property
    def topics(self) -> tuple[str, ...]:
        """The SNS topics that it tells when it turns red."""
        return tuple(action for action in self.record.get("AlarmActions") or () if action.startswith("arn:aws:sns:"))

    @property
    def scales(self) -> bool:
        """Whether a scaling policy acts on it: such an alarm is red whenever there is little to do."""
        return any(":scalingPolicy:" in action for action in self.record.get("AlarmActions") or ())

    @property
    def queries(self) -> list[dict[str, Any]]:
        """What it watches, as GetMetricData takes it; empty for a composite alarm."""
        if self.composite:
            return []
        if self.record.get("Metrics"):
            return [dict(query) for query in self.record["Metrics"]]
        metric = {name: self.record[name] for name in ("Namespace", "MetricName", "Dimensions") if name in self.record}
        statistic = self.record.get("ExtendedStatistic") or self.record["Statistic"]
        return [{"Id": "m1", "MetricStat": {"Metric": metric, "Period": self.period, "Stat": statistic}}]

    @property
    def period(self) -> int:
        """Seconds of one period of a metric alarm."""
        if "Period" in self.record:
            return int(self.record["Period"])
        return max(int(one["MetricStat"]["Period"]) for one in self.record["Metrics"] if "MetricStat" in one)

    @property
    def periods(self) -> int:
        """How many periods of a metric alarm are looked at."""
        return int(self.record["EvaluationPeriods"])

    @property
    def datapoints(self) -> int:
        """How many of the periods have to breach."""
        return int(self.record.get("DatapointsToAlarm") or self.periods)


def alarms(region: str) -> dict[str, Alarm]:
    """Every alarm of a region by its title."""
    pages = aws.client("cloudwatch", region).get_paginator("describe_alarms").paginate(
        AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )  # fmt: skip
    found = [
        _alarm(record, composite=kind == "CompositeAlarms")
        for page in pages
        for kind in ("MetricAlarms", "CompositeAlarms")
        for record in page.get(kind, [])
    ]
    return {alarm.title: alarm for alarm in found}


def _alarm(record: Mapping[str, Any], *, composite: bool) -> Alarm:
    lines = str(record.get("AlarmDescription") or "").splitlines()[1:]
    return Alarm(
        name=record["AlarmName"],
        title=title_of(record["AlarmName"]),
        facts=dict(line.split(": ", 1) for line in lines if ": " in line),
        composite=composite,
        state=record["StateValue"],
        record=record,
    )
