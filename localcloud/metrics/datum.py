"""One metric's data points of one minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

MINUTE = 60
"""Seconds: AWS services publish once a minute."""

MOST_VALUES = 150
"""Values of a datum; API reference, MetricDatum."""

Unit = Literal[
    "Count", "Percent", "Seconds", "Milliseconds", "Bytes", "Megabytes", "Bytes/Second", "Count/Second", "None"
]


@dataclass(frozen=True, kw_only=True)
class Datum:
    """`minute` is its start in seconds since the epoch; `values` are distinct, each with how often it was seen."""

    namespace: str
    region: str
    minute: int
    name: str
    unit: Unit
    dimensions: tuple[tuple[str, str], ...]
    values: tuple[tuple[float, int], ...]

    @property
    def count(self) -> int:
        return sum(count for _, count in self.values)

    @property
    def sum(self) -> float:
        return sum(value * count for value, count in self.values)

    def requests(self) -> Iterator[dict[str, Any]]:
        """As PutMetricData takes it: in pieces where there are too many values for one."""
        for start in range(0, len(self.values), MOST_VALUES):
            piece = self.values[start : start + MOST_VALUES]
            yield {
                "MetricName": self.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in self.dimensions],
                "Timestamp": datetime.fromtimestamp(self.minute, UTC),
                "Unit": self.unit,
                "Values": [value for value, _ in piece],
                "Counts": [float(count) for _, count in piece],
            }


@dataclass(frozen=True, kw_only=True)
class Minute:
    """Makes the data of one namespace in one region and minute. Dimensions are given by name."""

    namespace: str
    region: str
    start: int

    def value(self, name: str, value: float, unit: Unit, **dimensions: str) -> Datum:
        return self.values(name, [value], unit, **dimensions)

    def values(self, name: str, values: Iterable[float], unit: Unit, **dimensions: str) -> Datum:
        """One data point for each value."""
        return self.counted(name, Counter(values), unit, **dimensions)

    def counted(self, name: str, counts: Mapping[float, int], unit: Unit, **dimensions: str) -> Datum:
        """As many data points of each value as `counts` says."""
        return Datum(
            namespace=self.namespace,
            region=self.region,
            minute=self.start,
            name=name,
            unit=unit,
            dimensions=tuple(dimensions.items()),
            values=tuple(sorted((float(value), count) for value, count in counts.items())),
        )


def minute_of(moment: float) -> int:
    """The start of the minute that holds `moment`."""
    return int(moment // MINUTE) * MINUTE


def rounded(value: float) -> float:
    """Three digits: few enough distinct values for a datum, near enough for a percentile."""
    return float(f"{value:.3g}")
