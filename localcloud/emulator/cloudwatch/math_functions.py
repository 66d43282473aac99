"""The functions of metric math, by the table in "Metric math syntax and functions" of CloudWatch's user guide."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from localcloud.emulator.cloudwatch.math_parser import Call, MathError, Name, Node, Text
from localcloud.emulator.cloudwatch.math_values import Series, Value


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a function may know besides its arguments: the periods at hand, and every metric of the request."""

    periods: range
    metrics: Sequence[Series]


_Evaluate = Callable[[Node], Value]
_Function = Callable[[Call, _Evaluate, Context], Value]

_NOT_HERE = {
    "ANOMALY_DETECTION_BAND": "anomaly detection learns from weeks of data",
    "SEARCH": "it finds metrics for graphs and is not allowed in alarms",
    "INSIGHT_RULE_METRIC": "there is no Contributor Insights",
    "SERVICE_QUOTA": "there are no quotas",
    "LAMBDA": "there are no metric data sources",
    "DB_PERF_INSIGHTS": "there is no Performance Insights",
}


def call(node: Call, evaluate: _Evaluate, context: Context) -> Value:
    """Raises MathError."""
    if node.function in _NOT_HERE:
        raise MathError(f"{node.function} is not available in the local cloud: {_NOT_HERE[node.function]}")
    if node.function not in FUNCTIONS:
        raise MathError(f"{node.function} is not a function of metric math, or not one that the local cloud knows")
    function, least, most = FUNCTIONS[node.function]
    if not least <= len(node.arguments) <= most:
        raise MathError(f"{node.function} takes {least}{f' to {most}' if most > least else ''} arguments")
    return function(node, evaluate, context)


def check(node: Call) -> None:
    """Raises MathError for a function that there is not here."""
    if node.function in _NOT_HERE or node.function not in FUNCTIONS:
        call(node, lambda _node: math.nan, Context(periods=range(0), metrics=()))


def _point_by_point(change: Callable[[float], float]) -> _Function:
    def function(node: Call, evaluate: _Evaluate, _context: Context) -> Value:
        match evaluate(node.arguments[0]):
            case float() as value:
                return change(value)
            case Series() as series:
                return series.map(change)
            case several:
                return [series.map(change) for series in several]

    return function


def _per_series(change: Callable[[Series], Series]) -> _Function:
    def function(node: Call, evaluate: _Evaluate, _context: Context) -> Value:
        match evaluate(node.arguments[0]):
            case Series() as series:
                return change(series)
            case list() as several:
                return [change(series) for series in several]
        raise MathError(f"{node.function} takes a time series")

    return function


def _aggregating(aggregate: Callable[[list[float]], float], *, missing_is_zero: bool = False) -> _Function:
    """Of a time series a number; of an array, for each period that any of its series has."""

    def function(node: Call, evaluate: _Evaluate, _context: Context) -> Value:
        match evaluate(node.arguments[0]):
            case Series(values=values):
                return aggregate(list(values.values())) if values else math.nan
            case list() as several:
                starts = sorted({start for series in several for start in series.values})
                return Series(values={start: aggregate(_at(several, start, missing_is_zero)) for start in starts})
        raise MathError(f"{node.function} takes a time series or an array of them")

    return function


def _at(several: list[Series], start: int, missing_is_zero: bool) -> list[float]:
    if missing_is_zero:
        return [series.values.get(start, 0.0) for series in several]
    return [series.values[start] for series in several if start in series.values]


def _deviation(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))


def _if(node: Call, evaluate: _Evaluate, _context: Context) -> Value:
    condition, *choices = (evaluate(argument) for argument in node.arguments)
    if any(isinstance(value, list) for value in (condition, *choices)):
        raise MathError("IF takes numbers and single time series")
    when_true, when_false = choices[0], choices[1] if len(choices) > 1 else Series()
    if not isinstance(condition, Series):
        return when_true if condition else when_false
    chosen = {}
    for start, holds in condition.values.items():
        choice = when_true if holds else when_false
        value = choice.values.get(start) if isinstance(choice, Series) else choice
        if isinstance(value, float):
            chosen[start] = value
    return Series(values=chosen)


def _fill(node: Call, evaluate: _Evaluate, context: Context) -> Value:
    """Every period of the time asked for, before the first and after the last data point too."""
    filler = node.arguments[1]
    mode = filler.name.upper() if isinstance(filler, Name) else ""
    with_value = None if mode in ("REPEAT", "LINEAR") else evaluate(filler)

    def filled(series: Series) -> Series:
        known = series.values
        if mode == "REPEAT":
            values = _repeated(known, context.periods)
        elif mode == "LINEAR":
            values = _interpolated(known, context.periods)
        elif isinstance(with_value, Series):
            values = {**with_value.values, **known}
        elif isinstance(with_value, float):
            values = dict.fromkeys(context.periods, with_value) | dict(known)
        else:
            raise MathError("FILL fills with a number, a single time series, REPEAT or LINEAR")
        return Series(values=dict(sorted(values.items())), id=series.id, label=series.label)

    return _per_series(filled)(node, evaluate, context)


def _repeated(known: Mapping[int, float], periods: range) -> dict[int, float]:
    values: dict[int, float] = {}
    latest = None
    for start in periods:
        latest = known.get(start, latest)
        if latest is not None:
            values[start] = latest
    return values


def _interpolated(known: Mapping[int, float], periods: range) -> dict[int, float]:
    values = dict(known)
    for (before, low), (after, high) in pairwise(sorted(known.items())):
        for start in periods:
            if before < start < after:
                values[start] = low + (high - low) * (start - before) / (after - before)
    return values


def _differences(per_second: bool, times: bool = False) -> Callable[[Series], Series]:
    def change(series: Series) -> Series:
        values = {
            later: float(later - earlier) if times else (high - low) / ((later - earlier) if per_second else 1)
            for (earlier, low), (later, high) in pairwise(sorted(series.values.items()))
        }
        return Series(values=values, id=series.id, label=series.label)

    return change


def _running_sum(series: Series) -> Series:
    total = 0.0
    values = {}
    for start, value in sorted(series.values.items()):
        total += value
        values[start] = total
    return Series(values=values, id=series.id, label=series.label)


def _by_time(part: Callable[[datetime], float]) -> Callable[[Series], Series]:
    def change(series: Series) -> Series:
        return Series(values={start: float(part(datetime.fromtimestamp(start, UTC))) for start in series.values})

    return change


def _metrics(node: Call, _evaluate: _Evaluate, context: Context) -> Value:
    if not node.arguments:
        return list(context.metrics)
    [part] = node.arguments
    if not isinstance(part, Text):
        raise MathError("METRICS takes a text in quotation marks")
    return [series for series in context.metrics if part.value in series.id]


def _time_series(node: Call, evaluate: _Evaluate, context: Context) -> Value:
    value = evaluate(node.arguments[0])
    if not isinstance(value, float):
        raise MathError("TIME_SERIES takes a number")
    return Series(values=dict.fromkeys(context.periods, value))


def _period(node: Call, evaluate: _Evaluate, context: Context) -> Value:
    if not isinstance(evaluate(node.arguments[0]), Series):
        raise MathError("PERIOD takes a time series")
    return float(context.periods.step)


def _count(node: Call, evaluate: _Evaluate, _context: Context) -> Value:
    several = evaluate(node.arguments[0])
    return float(len(several)) if isinstance(several, list) else 1.0


def _datapoint_count(node: Call, evaluate: _Evaluate, context: Context) -> Value:
    value = evaluate(node.arguments[0])
    if isinstance(value, Series):
        return float(len(value.values))
    return _aggregating(lambda values: float(len(values)))(node, lambda _node: value, context)


def _member(index: int) -> _Function:
    def function(node: Call, evaluate: _Evaluate, _context: Context) -> Value:
        several = evaluate(node.arguments[0])
        if not isinstance(several, list):
            raise MathError(f"{node.function} takes an array of time series")
        return several[index] if several else Series()

    return function


def _without_empty(node: Call, evaluate: _Evaluate, _context: Context) -> Value:
    several = evaluate(node.arguments[0])
    return [series for series in several if series.values] if isinstance(several, list) else several


def _logarithm(of: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: of(value) if value > 0 else math.nan


FUNCTIONS: dict[str, tuple[_Function, int, int]] = {
    "ABS": (_point_by_point(abs), 1, 1),
    "CEIL": (_point_by_point(lambda value: float(math.ceil(value))), 1, 1),
    "FLOOR": (_point_by_point(lambda value: float(math.floor(value))), 1, 1),
    "LOG": (_point_by_point(_logarithm(math.log)), 1, 1),
    "LOG10": (_point_by_point(_logarithm(math.log10)), 1, 1),
    "AVG": (_aggregating(lambda values: sum(values) / len(values), missing_is_zero=True), 1, 1),
    "SUM": (_aggregating(sum), 1, 1),
    "MIN": (_aggregating(min), 1, 1),
    "MAX": (_aggregating(max), 1, 1),
    "STDDEV": (_aggregating(_deviation), 1, 1),
    "IF": (_if, 2, 3),
    "FILL": (_fill, 2, 2),
    "DIFF": (_per_series(_differences(per_second=False)), 1, 1),
    "DIFF_TIME": (_per_series(_differences(per_second=False, times=True)), 1, 1),
    "RATE": (_per_series(_differences(per_second=True)), 1, 1),
    "RUNNING_SUM": (_per_series(_running_sum), 1, 1),
    "METRICS": (_metrics, 0, 1),
    "METRIC_COUNT": (_count, 1, 1),
    "DATAPOINT_COUNT": (_datapoint_count, 1, 1),
    "FIRST": (_member(0), 1, 1),
    "LAST": (_member(-1), 1, 1),
    "REMOVE_EMPTY": (_without_empty, 1, 1),
    "TIME_SERIES": (_time_series, 1, 1),
    "PERIOD": (_period, 1, 1),
    "EPOCH": (_per_series(_by_time(datetime.timestamp)), 1, 1),
    "MINUTE": (_per_series(_by_time(lambda at: at.minute)), 1, 1),
    "HOUR": (_per_series(_by_time(lambda at: at.hour)), 1, 1),
    "DAY": (_per_series(_by_time(datetime.isoweekday)), 1, 1),
    "DATE": (_per_series(_by_time(lambda at: at.day)), 1, 1),
    "MONTH": (_per_series(_by_time(lambda at: at.month)), 1, 1),
    "YEAR": (_per_series(_by_time(lambda at: at.year)), 1, 1),
}
