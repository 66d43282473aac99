"""What an alarm or a GetMetricData call asks for: statistics of metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.emulator.cloudwatch import statistics
from localcloud.emulator.cloudwatch.metrics import Aggregate, Metric, metric_of
from localcloud.emulator.cloudwatch.store import MetricStore, Scope

Values = dict[int, float]
"""A time series: the start of each period that has a value (seconds since 1970), in order, and the value."""


class QueryError(ValueError):
    """What is asked for makes no sense; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """The periods from `start` to before `end` (seconds since 1970)."""

    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class MetricQuery:
    """A statistic of one metric."""

    id: str
    metric: Metric
    statistic: str
    period: int
    unit: str | None = None
    label: str = ""

    @classmethod
    def read(cls, asked: Mapping[str, Any]) -> MetricQuery:
        """Of a MetricDataQuery with a MetricStat. Raises QueryError, StatisticError."""
        stat = asked["MetricStat"]
        statistics.check(stat["Stat"])
        return cls(
            id=asked["Id"],
            metric=metric_in(stat["Metric"]),
            statistic=stat["Stat"],
            period=checked_period(stat.get("Period") or asked.get("Period")),
            unit=stat.get("Unit"),
            label=asked.get("Label", ""),
        )

    def aggregates(self, store: MetricStore, scope: Scope, window: Window) -> dict[int, Aggregate]:
        return store.read(scope, self.metric, start=window.start, end=window.end, period=self.period, unit=self.unit)

    def values(self, store: MetricStore, scope: Scope, window: Window) -> Values:
        found = {
            start: statistics.value_of(self.statistic, aggregate)
            for start, aggregate in sorted(self.aggregates(store, scope, window).items())
        }
        return {start: value for start, value in found.items() if value is not None}


def metric_in(asked: Mapping[str, Any]) -> Metric:
    """The metric that a request or a record names."""
    return metric_of(asked.get("Namespace", ""), asked.get("MetricName", ""), asked.get("Dimensions") or ())


def checked_period(asked: Any) -> int:
    """Raises QueryError for what is no period of CloudWatch's."""
    period = int(asked or 0)
    if period not in (1, 5, 10, 20, 30) and (period < 60 or period % 60):
        raise QueryError(f"The period {period} is not one of 1, 5, 10, 20, 30 and the multiples of 60 seconds")
    return period
