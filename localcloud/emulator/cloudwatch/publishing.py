"""PutMetricData: what may be published, and how it enters the store."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from localcloud.emulator.cloudwatch.metrics import NO_UNIT, Aggregate, metric_of
from localcloud.emulator.cloudwatch.store import MetricStore, Scope

_OLDEST_SECONDS = 14 * 86400
_NEWEST_SECONDS = 2 * 3600
_MOST_VALUES = 150
_MOST_DIMENSIONS = 30


class PublishError(ValueError):
    """CloudWatch would refuse this; `code` is its error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def publish(store: MetricStore, scope: Scope, namespace: str, data: list[Mapping[str, Any]], now: float) -> None:
    """Store the data of one PutMetricData call, all or none of it. Raises PublishError."""
    if not namespace:
        raise PublishError("MissingParameter", "The parameter Namespace is required.")
    read = [(datum, _values(datum), _time(datum, now)) for datum in data]
    for datum, values, when in read:
        if values.count:
            store.put(
                scope,
                metric_of(namespace, datum["MetricName"], datum.get("Dimensions") or ()),
                values,
                unit=datum.get("Unit") or NO_UNIT,
                when=when,
                resolution=1 if int(datum.get("StorageResolution") or 60) == 1 else 60,
            )


def _time(datum: Mapping[str, Any], now: float) -> float:
    when = datum.get("Timestamp")
    seconds = now if when is None else when.timestamp() if hasattr(when, "timestamp") else float(when)
    if not now - _OLDEST_SECONDS <= seconds <= now + _NEWEST_SECONDS:
        raise PublishError(
            "InvalidParameterValue",
            "The parameter MetricData.member.N.Timestamp must be within the last two weeks and no more than two hours "
            "in the future.",
        )
    return seconds


def _values(datum: Mapping[str, Any]) -> Aggregate:
    if len(datum.get("Dimensions") or ()) > _MOST_DIMENSIONS:
        raise PublishError("InvalidParameterValue", f"A metric has at most {_MOST_DIMENSIONS} dimensions.")
    if given := datum.get("StatisticValues"):
        return Aggregate.of_statistic_set(
            count=_number(given["SampleCount"]),
            total=_number(given["Sum"]),
            minimum=_number(given["Minimum"]),
            maximum=_number(given["Maximum"]),
        )
    listed = datum.get("Values")
    if listed:
        counts = datum.get("Counts") or [1.0] * len(listed)
        if len(counts) != len(listed) or len(listed) > _MOST_VALUES:
            raise PublishError(
                "InvalidParameterValue",
                f"Values and Counts must have the same number of members, {_MOST_VALUES} at most.",
            )
        weights: dict[float, float] = {}
        for value, count in zip(listed, counts, strict=True):
            weights[_number(value)] = weights.get(_number(value), 0.0) + _number(count)
        return Aggregate.of({value: count for value, count in weights.items() if count > 0})
    if datum.get("Value") is None:
        raise PublishError(
            "MissingParameter",
            "At least one of the parameters Value, Values, StatisticValues must be specified.",
        )
    return Aggregate.of({_number(datum["Value"]): 1.0})


def _number(given: Any) -> float:
    value = float(given)
    if not math.isfinite(value):
        raise PublishError("InvalidParameterValue", "NaN and Infinity are no values of a metric.")
    return value
