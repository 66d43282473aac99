"""Which state an alarm has, given its latest data points.

By "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data" in CloudWatch's user guide; their
tables are rows of tests/localcloud/cloudwatch/data.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Missing(StrEnum):
    """TreatMissingData."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A ComparisonOperator: what it compares by, and how CloudWatch says it."""

    compare: Callable[[float, float], bool]
    words: str


COMPARISONS = {
    "GreaterThanOrEqualToThreshold": Comparison(compare=operator.ge, words="greater than or equal to"),
    "GreaterThanThreshold": Comparison(compare=operator.gt, words="greater than"),
    "LessThanThreshold": Comparison(compare=operator.lt, words="less than"),
    "LessThanOrEqualToThreshold": Comparison(compare=operator.le, words="less than or equal to"),
}
"""Those against a fixed threshold. The others compare with an anomaly detection band, which there is none of here."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What an alarm asks of its data points: `to_alarm` of the latest `periods` breaching."""

    comparison: Comparison
    threshold: float
    periods: int
    to_alarm: int
    missing: Missing = Missing.MISSING

    @property
    def range(self) -> int:
        """How many periods are looked at, in case some are missing. AWS says that it is more than `periods` and depends
        on period and resolution; the published examples have 5 for 3."""
        return self.periods + 2

    def breaches(self, value: float) -> bool:
        return self.comparison.compare(value, self.threshold)


@dataclass(frozen=True, kw_only=True)
class Point:
    """The value of the period that begins at `start` (seconds since 1970)."""

    start: int
    value: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A state and what led to it: the points evaluated, newest first, and how many missing ones were filled in."""

    state: State
    evaluated: tuple[Point, ...] = ()
    filled: int = 0


def evaluate(rule: Rule, points: Sequence[Point | None], current: State) -> Verdict:
    """The state after the periods of the evaluation range, oldest first, None where a period has no data."""
    real = [point for point in reversed(points) if point is not None]
    if len(real) >= rule.periods:
        evaluated = tuple(real[: rule.periods])
        return Verdict(state=_counted(rule, _breaching(rule, evaluated)), evaluated=evaluated)
    evaluated = tuple(real)
    filled = rule.periods - len(real)
    return Verdict(state=_with_missing(rule, points, filled, current), evaluated=evaluated, filled=filled)


def _with_missing(rule: Rule, points: Sequence[Point | None], filled: int, current: State) -> State:
    real = [point for point in points if point is not None]
    breaching = _breaching(rule, real)
    match rule.missing:
        case Missing.BREACHING:
            return _counted(rule, breaching + filled)
        case Missing.NOT_BREACHING:
            return _counted(rule, breaching)
    if not real:
        return current if rule.missing is Missing.IGNORE else State.INSUFFICIENT_DATA
    if breaching >= rule.to_alarm or breaching < len(real):
        return _counted(rule, breaching)
    # All there is breaches, and is too little: an alarm when it is old enough ("premature transitions"). Before,
    # nothing tells: the state stays.
    oldest_age = len(points) - next(index for index, point in enumerate(points) if point is not None)
    if rule.missing is Missing.MISSING and oldest_age >= rule.to_alarm:
        return State.ALARM
    return current


def _breaching(rule: Rule, points: Sequence[Point]) -> int:
    return sum(rule.breaches(point.value) for point in points)


def _counted(rule: Rule, breaching: int) -> State:
    return State.ALARM if breaching >= rule.to_alarm else State.OK
