"""Reading data as CloudWatch would add them up."""

from __future__ import annotations

from collections.abc import Iterable

from localcloud.metrics.datum import Datum


def total(data: Iterable[Datum], name: str, **dimensions: str) -> float:
    """The Sum of a metric over all minutes; 0 where nothing was published."""
    return sum(datum.sum for datum in data if datum.name == name and dict(datum.dimensions) == dimensions)


def values(data: Iterable[Datum], name: str, **dimensions: str) -> list[float]:
    """Every data point of a metric, in order of size."""
    found = [datum for datum in data if datum.name == name and dict(datum.dimensions) == dimensions]
    return sorted(value for datum in found for value, count in datum.values for _ in range(count))
