"""A metric alarm's record (what PutMetricAlarm was given) as what is evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.emulator.cloudwatch import statistics
from localcloud.emulator.cloudwatch.evaluation import (
    COMPARISONS,
    Missing,
    Point,
    Rule,
    State,
    Verdict,
    evaluate,
)
from localcloud.emulator.cloudwatch.metrics import Aggregate, Metric
from localcloud.emulator.cloudwatch.queries import MetricQuery, QueryError, Window, checked_period, metric_in
from localcloud.emulator.cloudwatch.store import MetricStore, Scope

Record = Mapping[str, Any]

_DELAY_SECONDS = 5
_SHORT_DELAY_SECONDS = 2


@dataclass(frozen=True, kw_only=True)
class MetricAlarm:
    """What decides a metric alarm's state."""

    rule: Rule
    query: MetricQuery
    few_samples_count: bool

    @classmethod
    def read(cls, record: Record) -> MetricAlarm:
        """Raises QueryError or StatisticError, whose message says what cannot be evaluated."""
        statistic = record.get("ExtendedStatistic") or record.get("Statistic", "Average")
        statistics.check(statistic)
        return cls(
            rule=_rule(record),
            query=MetricQuery(
                id="m1",
                metric=metric_in(record),
                statistic=statistic,
                period=checked_period(record.get("Period")),
                unit=record.get("Unit"),
            ),
            few_samples_count=record.get("EvaluateLowSampleCountPercentile") != "ignore",
        )

    @property
    def period(self) -> int:
        return self.query.period

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (self.query.metric,)

    def window(self, now: float) -> Window:
        """The periods that are over. CloudWatch evaluates every minute, high-resolution alarms every 10 seconds, and
        counts periods back from there; values of the last moment may still be on their way."""
        step, delay = (60, _DELAY_SECONDS) if self.period >= 60 else (10, _SHORT_DELAY_SECONDS)
        end = int((now - delay) // step * step)
        return Window(start=end - self.rule.range * self.period, end=end)

    def evaluate(self, store: MetricStore, scope: Scope, window: Window, current: State) -> Verdict:
        aggregates = self.query.aggregates(store, scope, window)
        if not self.few_samples_count and aggregates and not self._significant(aggregates[max(aggregates)]):
            return Verdict(state=current)
        values = {start: statistics.value_of(self.query.statistic, of) for start, of in aggregates.items()}
        points = [
            None if (value := values.get(start)) is None else Point(start=start, value=value)
            for start in range(window.start, window.end, self.period)
        ]
        return evaluate(self.rule, points, current)

    def _significant(self, latest: Aggregate) -> bool:
        """Whether a percentile means something ("Percentile-based alarms and low data samples": 10/(1 - percentile)
        samples from p50 on, 10/percentile below)."""
        if not statistics.is_percentile(self.query.statistic):
            return True
        share = float(self.query.statistic[1:]) / 100
        tail = 1 - share if share >= 0.5 else share
        return latest.count * tail >= 10 - 1e-9


def _rule(record: Record) -> Rule:
    operator = record.get("ComparisonOperator", "")
    if operator not in COMPARISONS:
        raise QueryError(f"{operator} needs an anomaly detection band, which the local cloud does not compute")
    periods = int(record.get("EvaluationPeriods") or 1)
    return Rule(
        comparison=COMPARISONS[operator],
        threshold=float(record["Threshold"]),
        periods=periods,
        to_alarm=int(record.get("DatapointsToAlarm") or periods),
        missing=Missing(record.get("TreatMissingData") or "missing"),
    )
