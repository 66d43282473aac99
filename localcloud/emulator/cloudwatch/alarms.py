"""A metric alarm's record (what PutMetricAlarm was given) as what is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from localcloud.emulator.cloudwatch.expressions import QuerySet
from localcloud.emulator.cloudwatch.math_parser import MathError
from localcloud.emulator.cloudwatch.math_values import Series
from localcloud.emulator.cloudwatch.metrics import Metric
from localcloud.emulator.cloudwatch.queries import MetricQuery, QueryError, Values, Window
from localcloud.emulator.cloudwatch.store import MetricStore, Scope

Record = Mapping[str, Any]

_DELAY_SECONDS = 5
_SHORT_DELAY_SECONDS = 2
_AWAITED_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class MetricAlarm:
    """What decides a metric alarm's state: the values of the query `watched`, held against the rule."""

    rule: Rule
    queries: QuerySet
    watched: str
    few_samples_count: bool
    since: float
    """When it was put, in seconds since 1970."""

    @classmethod
    def read(cls, record: Record) -> MetricAlarm:
        """Raises QueryError, StatisticError or MathError, whose message says what cannot be evaluated."""
        asked = record.get("Metrics") or [_as_query(record)]
        returned = [query["Id"] for query in asked if query.get("ReturnData", True)]
        if len(returned) != 1:
            raise QueryError("Exactly one element of the Metrics list must return data.")
        alarm = cls(
            rule=rule_of(record),
            queries=QuerySet.read(asked),
            watched=returned[0],
            few_samples_count=record.get("EvaluateLowSampleCountPercentile") != "ignore",
            since=float(record.get("AlarmConfigurationUpdatedTimestamp") or 0),
        )
        # Ids that lead nowhere and values that are no series show without any data, too.
        alarm.series(lambda _query: {}, Window(start=0, end=0))
        return alarm

    @property
    def period(self) -> int:
        return self.queries.period

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return self.queries.watched

    def window(self, now: float) -> Window:
        """The periods that are over. CloudWatch evaluates every minute, high-resolution alarms every 10 seconds, and
        counts periods back from there; values of the last moment may still be on their way."""
        step, delay = (60, _DELAY_SECONDS) if self.period >= 60 else (10, _SHORT_DELAY_SECONDS)
        end = int((now - delay) // step * step)
        return Window(start=end - self.rule.range * self.period, end=end)

    def evaluate(self, store: MetricStore, scope: Scope, window: Window, current: State) -> Verdict:
        if not self.few_samples_count and not self._significant(store, scope, window):
            return Verdict(state=current)
        series = self.series(lambda query: query.values(store, scope, window), window)
        points = [
            None if (value := series.values.get(start)) is None else Point(start=start, value=value)
            for start in range(window.start, window.end, self.period)
        ]
        verdict = evaluate(self.rule, points, current)
        # What nobody published before there was an alarm is no fault: deployments would page without any.
        awaited = min(window.end - window.start, _AWAITED_SECONDS)
        young = current is State.INSUFFICIENT_DATA and window.end - awaited < self.since
        if young and verdict.state is State.ALARM and verdict.filled:
            return Verdict(state=current)
        return verdict

    def series(self, values: Callable[[MetricQuery], Values], window: Window) -> Series:
        """What the alarm watches. Raises MathError."""
        found = self.queries.evaluate(values, window, self.watched)
        if not isinstance(found, Series):
            raise MathError("The expression that an alarm watches must give a single time series")
        return found

    def _significant(self, store: MetricStore, scope: Scope, window: Window) -> bool:
        """Whether the latest percentile means something ("Percentile-based alarms and low data samples":
        10/(1 - percentile) samples from p50 on, 10/percentile below)."""
        [query] = self.queries.metrics
        if not statistics.is_percentile(query.statistic):
            return True
        aggregates = query.aggregates(store, scope, window)
        share = float(query.statistic[1:]) / 100
        tail = 1 - share if share >= 0.5 else share
        return not aggregates or aggregates[max(aggregates)].count * tail >= 10 - 1e-9


def _as_query(record: Record) -> Record:
    """An alarm on one metric, as an element of Metrics."""
    metric = {name: record[name] for name in ("Namespace", "MetricName", "Dimensions") if record.get(name)}
    stat = {
        "Metric": metric,
        "Period": record.get("Period"),
        "Stat": record.get("ExtendedStatistic") or record.get("Statistic", "Average"),
        "Unit": record.get("Unit"),
    }
    return {"Id": "m1", "MetricStat": stat}


def rule_of(record: Record) -> Rule:
    """What the alarm asks of its data points. Raises QueryError."""
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
