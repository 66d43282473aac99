"""Values put into an alarm's own metrics, for exactly the periods that it looks at."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localcloud.drill.deployed import Alarm
from localcloud.drill.platform import Platform

_MINUTE = 60
_EVALUATED_AFTER = 5
"""Seconds after a minute at which CloudWatch of the local cloud looks at it (docs/local-alarms.md)."""

_AT_ONCE = 100
_WEIGHT = 1e6
"""How often a value counts where others of the same period would change the statistic."""

_ALONE = ("Sum", "Maximum", "Minimum")
"""Statistics that one value decides."""


@dataclass(frozen=True)
class Value:
    """A value and how often it counts: once or, for averages and percentiles, so often that others do not matter."""

    value: float
    count: float | None = None


Values = Mapping[str, Value]
"""By the id of a query of the alarm, or by the name of a metric."""


@dataclass
class Feed:
    """`bad` are the values that make each alarm red, for `minutes` minutes; then it is over by itself, or by the `good`
    values, where old ones would stay in a long period."""

    bad: Mapping[str, Values]
    good: Mapping[str, Values] = field(default_factory=dict)
    minutes: int = 2
    _until: float = 0.0

    @property
    def repeats(self) -> float:
        """Seconds after which values that made nothing red are of no use any more: on a busy machine they may come
        too late for the minutes that they are dated for."""
        return 60.0 * self.minutes + 90.0

    def make(self, platform: Platform) -> None:
        last = last_minute(time.time())
        self._until = last + self.minutes * _MINUTE
        put(platform, fed_for(self, platform.alarms, last=last))

    def mend(self, platform: Platform) -> None:
        time.sleep(max(0.0, self._until - time.time()))
        last = last_minute(time.time())
        for title, values in self.good.items():
            if title in platform.alarms:
                alarm = platform.alarms[title]
                put(platform, data_for(alarm, values, at=latest_of(alarm, last=last)))


def fed_for(feed: Feed, alarms: Mapping[str, Alarm], *, last: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a feed puts when the last minute that was evaluated ended at `last`."""
    for title, values in feed.bad.items():
        if title in alarms:
            yield from data_for(alarms[title], values, at=minutes_of(alarms[title], last=last, stay=feed.minutes))


def last_minute(now: float) -> int:
    """The end of the last minute that was evaluated."""
    return int(now - _EVALUATED_AFTER) // _MINUTE * _MINUTE


def minutes_of(alarm: Alarm, *, last: int, stay: int) -> list[int]:
    """The beginnings of minutes which, with a value each, put a value into as many periods as the alarm needs, from the
    minute that ended at `last` until `stay` minutes later.

    Periods are counted back from each minute; the oldest ones are chosen, which leave the alarm's sight first. What is
    to be fed in the coming minutes is dated there at once.
    """
    ahead = stay * _MINUTE
    newest = last - alarm.period + (min(ahead, alarm.period) if alarm.period > _MINUTE else ahead)
    oldest = last - alarm.period * alarm.periods
    minutes = sorted(range(newest, oldest - 1, -alarm.period))
    return minutes[: len(minutes) - alarm.periods + alarm.datapoints]


def latest_of(alarm: Alarm, *, last: int) -> list[int]:
    """A minute of each period that the alarm looks at, the latest one of each: where values come seldom, CloudWatch
    looks further back for as many as it needs."""
    return [last - _MINUTE - number * alarm.period for number in range(alarm.periods)]


def data_for(alarm: Alarm, values: Values, *, at: Iterable[int]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Namespace and datum of PutMetricData for each metric and minute. Raises KeyError for one without a value."""
    seen: set[str] = set()
    for query in alarm.queries:
        if "MetricStat" not in query:
            continue
        stat = query["MetricStat"]
        metric = stat["Metric"]
        value = values.get(query["Id"]) or values.get(metric["MetricName"])
        if value is None:
            raise KeyError(f"{alarm.title}: no value for {metric['MetricName']}")
        # One metric may be asked for by two statistics, as the number of tasks and their mean.
        key = f"{metric['Namespace']} {metric['MetricName']} {metric.get('Dimensions')}"
        if key in seen:
            continue
        seen.add(key)
        count = value.count or (1.0 if stat["Stat"] in _ALONE else _WEIGHT)
        for minute in at:
            yield (
                metric["Namespace"],
                {
                    "MetricName": metric["MetricName"],
                    "Dimensions": metric.get("Dimensions", []),
                    "Timestamp": datetime.fromtimestamp(minute, UTC),
                    "Values": [value.value],
                    "Counts": [count],
                },
            )


def put(platform: Platform, data: Iterable[tuple[str, dict[str, Any]]]) -> None:
    cloudwatch = platform.client("cloudwatch")
    by_namespace: dict[str, list[dict[str, Any]]] = {}
    for namespace, datum in data:
        by_namespace.setdefault(namespace, []).append(datum)
    for namespace, listed in by_namespace.items():
        for start in range(0, len(listed), _AT_ONCE):
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=listed[start : start + _AT_ONCE])
