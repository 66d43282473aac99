"""Metrics out of log events: by the metric filters of their group, and by the embedded metric format."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.emulator.cloudwatch.log_patterns import LogEvent, Match, PatternError, compiled
from localcloud.emulator.cloudwatch.metrics import NO_UNIT, Aggregate, Metric, metric_of

_log = logging.getLogger(__name__)

OLDEST_SECONDS = 14 * 86400
"""Values from longer ago are dropped."""

_MOST_VALUES = 100
_MOST_DIMENSIONS = 30
_EMBEDDED = '"CloudWatchMetrics"'


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Values for the store; `when` is in seconds since 1970, `resolution` in seconds."""

    metric: Metric
    values: Aggregate
    unit: str
    when: float
    resolution: int = 60


def embedded(event: LogEvent, when: float) -> Iterator[Figure]:
    """The metrics of an event in the embedded metric format ("Specification: Embedded metric format", version 0).

    What breaks the specification is left out, as on AWS, where nobody is told.
    """
    if _EMBEDDED not in event.message or event.content is None:
        return
    root = event.content
    head = root.get("_aws")
    if not isinstance(head, dict):
        return
    stamp = head.get("Timestamp")
    at = stamp / 1000 if isinstance(stamp, (int, float)) else when
    for directive in head.get("CloudWatchMetrics") or ():
        try:
            yield from _of_directive(directive, root, at)
        except (KeyError, TypeError, AttributeError, ValueError) as problem:
            _log.warning("an event in the embedded metric format breaks its specification: %r", problem)


def is_embedded(message: str) -> bool:
    return _EMBEDDED in message


def _of_directive(directive: Mapping[str, Any], root: Mapping[str, Any], when: float) -> Iterator[Figure]:
    namespace = str(directive["Namespace"])
    for definition in directive["Metrics"]:
        values = _numbers(root.get(definition["Name"]))
        if not values.count:
            continue
        for names in directive["Dimensions"]:
            if len(names) > _MOST_DIMENSIONS or any(name not in root for name in names):
                continue
            yield Figure(
                metric=metric_of(
                    namespace, definition["Name"], [{"Name": name, "Value": _plain(root[name])} for name in names]
                ),
                values=values,
                unit=definition.get("Unit") or NO_UNIT,
                when=when,
                resolution=1 if definition.get("StorageResolution") == 1 else 60,
            )


def _numbers(value: Any) -> Aggregate:
    listed = value if isinstance(value, list) else [value]
    weights: dict[float, float] = {}
    for item in listed[:_MOST_VALUES]:
        if isinstance(item, (int, float)) and not isinstance(item, bool) and math.isfinite(item):
            weights[float(item)] = weights.get(float(item), 0.0) + 1
    return Aggregate.of(weights)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


class MetricFilters:
    """What the metric filters of log groups make of events. A filter's default value counts once in a minute whose
    events it does not match."""

    def __init__(self) -> None:
        self._defaulted: dict[tuple[str, str], int] = {}

    def figures(self, asked: Mapping[str, Any], events: Iterable[tuple[LogEvent, float]]) -> Iterator[Figure]:
        """Of one filter (its record) and events with their times."""
        try:
            matcher = compiled(asked.get("filterPattern") or "")
        except PatternError:
            return
        minute: int | None = None
        matched = False
        for event, when in events:
            minute = int(when // 60 * 60)
            if match := matcher(event):
                matched = True
                for transformation in asked["metricTransformations"]:
                    yield from _of_match(transformation, match, when)
        key = (asked["logGroupName"], asked["filterName"])
        if minute is None or matched or self._defaulted.get(key) == minute:
            return
        self._defaulted[key] = minute
        for transformation in asked["metricTransformations"]:
            if transformation.get("defaultValue") is not None and not transformation.get("dimensions"):
                yield _figure(transformation, [], float(transformation["defaultValue"]), float(minute))


def _of_match(transformation: Mapping[str, Any], match: Match, when: float) -> Iterator[Figure]:
    wanted = transformation["metricValue"]
    value = _value(match.value(wanted) if wanted.startswith("$") else wanted)
    dimensions = {name: match.value(of) for name, of in (transformation.get("dimensions") or {}).items()}
    if value is None or any(of is None for of in dimensions.values()):
        return
    listed = [{"Name": name, "Value": _plain(of)} for name, of in dimensions.items()]
    yield _figure(transformation, listed, value, when)


def _figure(transformation: Mapping[str, Any], dimensions: list[dict[str, str]], value: float, when: float) -> Figure:
    return Figure(
        metric=metric_of(transformation["metricNamespace"], transformation["metricName"], dimensions),
        values=Aggregate.of({value: 1.0}),
        unit=transformation.get("unit") or NO_UNIT,
        when=when,
    )


def _value(found: Any) -> float | None:
    try:
        value = float(found)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None
