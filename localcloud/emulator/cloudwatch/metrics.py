"""What CloudWatch knows of a metric: its identity, and the sums that published values are kept as."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Dimensions = tuple[tuple[str, str], ...]

NO_UNIT = "None"
_EXACT_VALUES = 200
_BIN_RATIO = math.log(1.01)


def dimensions_of(listed: Iterable[Mapping[str, Any]]) -> Dimensions:
    """Dimensions as a request lists them, in one order: two metrics are the same when all of these are."""
    return tuple(sorted((str(item["Name"]), str(item["Value"])) for item in listed))


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric of one region: published with other dimensions, it is another metric."""

    namespace: str
    name: str
    dimensions: Dimensions = ()


def metric_of(namespace: str, name: str, dimensions: Iterable[Mapping[str, Any]]) -> Metric:
    return Metric(namespace=namespace, name=name, dimensions=dimensions_of(dimensions))


@dataclass
class Aggregate:
    """All values of one stretch of time. `values` (each with how often it came) is None where the distribution is
    not known: a statistic set with a spread was among them.

    Above 200 different values, equal ones are those within 1 %: CloudWatch's percentiles are approximations, too.
    """

    count: float = 0.0
    total: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf
    values: dict[float, float] | None = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[float, float]) -> Aggregate:
        """Of values and how often each came."""
        if not values:
            return cls()
        return cls(
            count=sum(values.values()),
            total=sum(value * count for value, count in values.items()),
            minimum=min(values),
            maximum=max(values),
            values=dict(values),
        )

    @classmethod
    def of_statistic_set(cls, *, count: float, total: float, minimum: float, maximum: float) -> Aggregate:
        """Of a published statistic set. Its distribution is known when all its values are the same (API reference,
        StatisticSet: "Min and Max are equal, and Sum is equal to Min multiplied by SampleCount")."""
        same = minimum == maximum and math.isclose(total, minimum * count)
        return cls(count, total, minimum, maximum, {minimum: count} if same else None)

    def add(self, other: Aggregate) -> None:
        self.count += other.count
        self.total += other.total
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        if self.values is None or other.values is None:
            self.values = None
            return
        for value, count in other.values.items():
            self.values[value] = self.values.get(value, 0.0) + count
        if len(self.values) > _EXACT_VALUES:
            self.values = _binned(self.values)


def _binned(values: Mapping[float, float]) -> dict[float, float]:
    """The same distribution with values within 1 % of each other taken together; the two ends stay exact."""
    ends = (min(values), max(values))
    binned: dict[float, float] = {}
    for value, count in values.items():
        near = value
        if value and value not in ends:
            near = math.copysign(math.exp(round(math.log(abs(value)) / _BIN_RATIO) * _BIN_RATIO), value)
            near = min(max(near, ends[0]), ends[1])
        binned[near] = binned.get(near, 0.0) + count
    return binned
