"""Values put into an alarm's own metrics, for exactly the periods that it looks at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from localcloud.drill.deployed import Alarm
from localcloud.drill.platform import Platform

_MINUTE = 60
_EVALUATED_AFTER = 5
"""Seconds after a minute at which CloudWatch of the local cloud looks at it (docs/local-alarms.md)."""

_LOOKED_BACK = 2
"""Periods beyond its own that an alarm looks back for values (docs/local-alarms.md)."""

_AT_ONCE = 100
_WEIGHT = 1e6
"""How often a value counts where others of the same period would change the statistic."""

_MUCH = 1000.0
"""Times what is there already, which then decides nothing any more."""

_ALONE = ("Sum", "Maximum", "Minimum")
"""Statistics that one value decides."""


@dataclass(frozen=True)
class Value:
    """A value and how often it counts: once or, for averages and percentiles, so often that others do not matter.

    One that `grows` is a sum of which a share is taken: it is raised until what was there before does not matter.
    """

    value: float
    count: float | None = None
    grows: bool = False


@dataclass(frozen=True)
class There:
    """What a metric has already in all periods that an alarm looks at: how many values, and their sum."""

    samples: float = 0.0
    total: float = 0.0


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
        put(platform, fed_for(self, platform.alarms, last=last, there=partial(_there, platform, last)))

    def mend(self, platform: Platform) -> None:
        time.sleep(max(0.0, self._until - time.time()))
        last = last_minute(time.time())
        for title, values in self.good.items():
            if title in platform.alarms:
                alarm = platform.alarms[title]
                there = partial(_there, platform, last, alarm)
                put(platform, data_for(alarm, values, at=good_minutes_of(alarm, values, last=last), there=there))


def fed_for(
    feed: Feed, alarms: Mapping[str, Alarm], *, last: int, there: Callable[[Alarm, Mapping[str, Any]], There]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a feed puts when the last minute that was evaluated ended at `last`."""
    for title, values in feed.bad.items():
        if title in alarms:
            alarm = alarms[title]
            minutes = minutes_of(alarm, last=last, stay=feed.minutes)
            yield from data_for(alarm, values, at=minutes, there=partial(there, alarm))


def _there(platform: Platform, last: int, alarm: Alarm, metric: Mapping[str, Any]) -> There:
    """What an earlier drill, or the platform itself, has published."""
    # One period over all that the alarm may look at, and the minutes that are fed ahead.
    seconds = alarm.period * (alarm.periods + 2) + 10 * _MINUTE
    found = platform.client("cloudwatch").get_metric_statistics(
        **metric,
        StartTime=datetime.fromtimestamp(last + 10 * _MINUTE - seconds, UTC),
        EndTime=datetime.fromtimestamp(last + 10 * _MINUTE, UTC),
        Period=seconds,
        Statistics=["SampleCount", "Sum"],
    )["Datapoints"]
    return There(sum(point["SampleCount"] for point in found), sum(point["Sum"] for point in found))


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


def good_minutes_of(alarm: Alarm, values: Values, *, last: int) -> list[int]:
    """A minute of each period that the alarm looks at, the latest one of each: where values come seldom, CloudWatch
    looks further back for as many as it needs.

    Zeros also go on for as long as it may look back to what was before. Where nothing else publishes, it would find the
    bad values again whenever the periods, counted back from each minute, put them apart from the good ones.
    """
    latest = [last - _MINUTE - number * alarm.period for number in range(alarm.periods)]
    if any(value.value != 0 or value.grows for value in values.values()):
        return latest  # those would hide a fault that comes after them
    return [*latest, *range(last, last + alarm.period * (alarm.periods + _LOOKED_BACK), _MINUTE)]


def data_for(
    alarm: Alarm, values: Values, *, at: Sequence[int], there: Callable[[Mapping[str, Any]], There]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Namespace and datum of PutMetricData for each metric and minute; `there` tells what a metric has already.

    Raises KeyError for a metric without a value.
    """
    asked = list(_asked(alarm, values))
    known = [there(metric) for _, metric, _ in asked]
    shares = [_MUCH * was.total / value.value for (_, _, value), was in zip(asked, known, strict=True) if value.grows]
    for (statistic, metric, value), was in zip(asked, known, strict=True):
        amount = value.value * max(1.0, *shares) if value.grows else value.value
        usual = 1.0 if statistic in _ALONE else max(_WEIGHT, _MUCH * was.samples)
        for minute in at:
            yield (
                metric["Namespace"],
                {
                    "MetricName": metric["MetricName"],
                    "Dimensions": metric.get("Dimensions", []),
                    "Timestamp": datetime.fromtimestamp(minute, UTC),
                    "Values": [amount],
                    "Counts": [value.count or usual],
                },
            )


def _asked(alarm: Alarm, values: Values) -> Iterator[tuple[str, dict[str, Any], Value]]:
    """Statistic, metric and value of each metric of an alarm, once."""
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
        if key not in seen:
            seen.add(key)
            yield stat["Stat"], metric, value


def put(platform: Platform, data: Iterable[tuple[str, dict[str, Any]]]) -> None:
    cloudwatch = platform.client("cloudwatch")
    by_namespace: dict[str, list[dict[str, Any]]] = {}
    for namespace, datum in data:
        by_namespace.setdefault(namespace, []).append(datum)
    for namespace, listed in by_namespace.items():
        for start in range(0, len(listed), _AT_ONCE):
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=listed[start : start + _AT_ONCE])
