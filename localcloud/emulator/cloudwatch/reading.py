"""GetMetricStatistics, GetMetricData and ListMetrics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from localcloud.emulator.cloudwatch import statistics
from localcloud.emulator.cloudwatch.expressions import QuerySet, needed
from localcloud.emulator.cloudwatch.math_parser import MathError
from localcloud.emulator.cloudwatch.math_values import Series
from localcloud.emulator.cloudwatch.metrics import Metric
from localcloud.emulator.cloudwatch.queries import MetricQuery, QueryError, Values, Window, checked_period, metric_in
from localcloud.emulator.cloudwatch.store import MetricStore, Scope

Asked = Mapping[str, Any]
Answer = dict[str, Any]

_MOST_DATAPOINTS = 1440
_LISTED_AT_ONCE = 500
_RECENT_SECONDS = 3 * 3600


def get_metric_statistics(store: MetricStore, scope: Scope, asked: Asked) -> Answer:
    """Raises QueryError, StatisticError. Times are seconds since 1970."""
    basic, extended = asked.get("Statistics") or [], asked.get("ExtendedStatistics") or []
    for name in (*basic, *extended):
        statistics.check(name)
    if not basic and not extended:
        raise QueryError("At least one of Statistics and ExtendedStatistics must be given.")
    period = checked_period(asked.get("Period"))
    window = _window(asked, period)
    if (window.end - window.start) / period > _MOST_DATAPOINTS:
        raise QueryError(
            f"A call returns at most {_MOST_DATAPOINTS} data points: shorten the time or raise the period."
        )
    metric = metric_in(asked)
    found = store.read(scope, metric, start=window.start, end=window.end, period=period, unit=asked.get("Unit"))
    datapoints = []
    for start, aggregate in sorted(found.items()):
        point: Answer = {"Timestamp": _time(start), "Unit": asked.get("Unit") or store.unit_of(scope, metric)}
        point |= {name: statistics.value_of(name, aggregate) for name in basic}
        values = {name: statistics.value_of(name, aggregate) for name in extended}
        if known := {name: value for name, value in values.items() if value is not None}:
            point["ExtendedStatistics"] = known
        datapoints.append(point)
    return {"Label": asked["MetricName"], "Datapoints": datapoints}


def get_metric_data(store: MetricStore, scope: Scope, asked: Asked) -> Answer:
    """Raises QueryError, StatisticError, MathError. Times are seconds since 1970."""
    every = asked["MetricDataQueries"]
    labels = {query["Id"]: query.get("Label") or _name(query) for query in every}
    results = []
    for identifier in (query["Id"] for query in every if query.get("ReturnData", True)):
        queries = QuerySet.read(needed(every, identifier))
        window = _window(asked, queries.period)
        match queries.evaluate(partial(_values, store, scope, window), window, identifier):
            case Series() as series:
                results.append(_result(identifier, labels[identifier], series.values, asked))
            case list() as several:
                results += [
                    _result(identifier, f"{labels[identifier]} {labels.get(one.id, one.id)}", one.values, asked)
                    for one in several
                ]
            case _:
                raise MathError(f"The expression {identifier} gives a number; the result must be a time series")
    return {"MetricDataResults": results, "Messages": []}


def _name(query: Mapping[str, Any]) -> str:
    return str(query["MetricStat"]["Metric"]["MetricName"] if "MetricStat" in query else query["Id"])


def _values(store: MetricStore, scope: Scope, window: Window, query: MetricQuery) -> Values:
    return query.values(store, scope, window)


def _result(identifier: str, label: str, values: Mapping[int, float], asked: Asked) -> Answer:
    starts = sorted(values, reverse=asked.get("ScanBy") != "TimestampAscending")
    return {
        "Id": identifier,
        "Label": label,
        "Timestamps": [_time(start) for start in starts],
        "Values": [values[start] for start in starts],
        "StatusCode": "Complete",
    }


def list_metrics(store: MetricStore, scope: Scope, asked: Asked, now: float) -> Answer:
    since = now - _RECENT_SECONDS if asked.get("RecentlyActive") else 0
    wanted = [(item["Name"], item.get("Value")) for item in asked.get("Dimensions") or ()]
    found = sorted(
        (metric for metric in store.metrics(scope, since=since) if _matches(metric, asked, wanted)),
        key=lambda metric: (metric.namespace, metric.name, metric.dimensions),
    )
    start = int(asked.get("NextToken") or 0)
    answer: Answer = {
        "Metrics": [
            {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
            }
            for metric in found[start : start + _LISTED_AT_ONCE]
        ]
    }
    if len(found) > start + _LISTED_AT_ONCE:
        answer["NextToken"] = str(start + _LISTED_AT_ONCE)
    return answer


def _matches(metric: Metric, asked: Asked, wanted: list[tuple[str, str | None]]) -> bool:
    if asked.get("Namespace") not in (None, metric.namespace) or asked.get("MetricName") not in (None, metric.name):
        return False
    has = dict(metric.dimensions)
    return all(name in has and value in (None, "", has[name]) for name, value in wanted)


def _window(asked: Asked, period: int) -> Window:
    """The periods asked for: they begin at multiples of their length."""
    start, end = asked["StartTime"], asked["EndTime"]
    if start >= end:
        raise QueryError("The parameter StartTime must be less than the parameter EndTime.")
    return Window(start=math.floor(start) // period * period, end=math.ceil(end))


def _time(start: int) -> datetime:
    return datetime.fromtimestamp(start, UTC)
