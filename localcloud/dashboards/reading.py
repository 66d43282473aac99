"""What the widgets show: values by GetMetricData, and the states of alarms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from localcloud.dashboards.definition import AlarmStates, Dashboard, Metrics

_MOST_ALARMS = 100
"""DescribeAlarms answers for so many names at a time (MaxRecords)."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The values of one widget: for each line that is shown a value or None for each time."""

    times: tuple[int, ...]
    values: tuple[tuple[float | None, ...], ...]

    @property
    def latest(self) -> tuple[float | None, ...]:
        return tuple(next((one for one in reversed(line) if one is not None), None) for line in self.values)


@dataclass(frozen=True, kw_only=True)
class AlarmState:
    name: str
    state: str
    reason: str


def draw(widget: Metrics, dashboard: Dashboard, *, client: Callable[[str], Any], now: datetime) -> Drawn:
    """Ask CloudWatch in the widget's region; `client` gives one of a region."""
    back = widget.back or dashboard.back
    results: dict[str, dict[int, float]] = {}
    pages = client(widget.region).get_paginator("get_metric_data")
    asked = {"StartTime": _start(now, back), "EndTime": now, "ScanBy": "TimestampAscending"}
    for page in pages.paginate(MetricDataQueries=[dict(line.query) for line in widget.lines], **asked):
        for result in page["MetricDataResults"]:
            known = results.setdefault(result["Id"], {})
            known |= {
                int(at.timestamp()): value for at, value in zip(result["Timestamps"], result["Values"], strict=True)
            }
    times = tuple(sorted({at for values in results.values() for at in values}))
    shown = [results.get(line.query["Id"], {}) for line in widget.lines if line.shown]
    return Drawn(times=times, values=tuple(tuple(values.get(at) for at in times) for values in shown))


def states(widget: AlarmStates, *, client: Callable[[str], Any]) -> tuple[AlarmState, ...]:
    """In the order of the widget; an alarm that does not exist has the state MISSING."""
    names: dict[str, list[str]] = {}
    for arn in widget.arns:
        names.setdefault(arn.split(":")[3], []).append(arn.partition(":alarm:")[2])
    found: dict[str, Mapping[str, Any]] = {}
    for region, wanted in names.items():
        for begin in range(0, len(wanted), _MOST_ALARMS):
            answer = client(region).describe_alarms(
                AlarmNames=wanted[begin : begin + _MOST_ALARMS],
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],
                MaxRecords=_MOST_ALARMS,
            )
            found |= {alarm["AlarmName"]: alarm for alarm in [*answer["MetricAlarms"], *answer["CompositeAlarms"]]}
    return tuple(
        AlarmState(
            name=name,
            state=found.get(name, {}).get("StateValue", "MISSING"),
            reason=found.get(name, {}).get("StateReason", ""),
        )
        for wanted in names.values()
        for name in wanted
    )


def _start(now: datetime, back: timedelta) -> datetime:
    """On a whole minute, so that periods begin where CloudWatch's do."""
    return (now - back).replace(second=0, microsecond=0)
