"""What expressions compute with: numbers, time series and arrays of time series."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from localcloud.emulator.cloudwatch.math_parser import MathError


@dataclass(frozen=True, kw_only=True)
class Series:
    """A value for the start of each period that has one; `id` and `label` are those of the query."""

    values: Mapping[int, float] = field(default_factory=dict)
    id: str = ""
    label: str = ""

    def map(self, change: Callable[[float], float]) -> Series:
        """The same periods with other values; what is not finite then (x/0) is no data point."""
        changed = {start: change(value) for start, value in self.values.items()}
        finite = {start: value for start, value in changed.items() if math.isfinite(value)}
        return Series(values=finite, id=self.id, label=self.label)


Value = float | Series | list[Series]


def _divide(left: float, right: float) -> float:
    return left / right if right else math.nan


def _power(left: float, right: float) -> float:
    try:
        raised = left**right
    except (OverflowError, ZeroDivisionError):
        return math.nan
    return math.nan if isinstance(raised, complex) else raised


OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "^": _power,
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "<": lambda left, right: float(left < right),
    ">": lambda left, right: float(left > right),
    "<=": lambda left, right: float(left <= right),
    ">=": lambda left, right: float(left >= right),
    "AND": lambda left, right: float(bool(left) and bool(right)),
    "OR": lambda left, right: float(bool(left) or bool(right)),
}


def combine(symbol: str, left: Value, right: Value) -> Value:
    """Point by point; of two series, where either has data ("Missing values in time series are treated as 0. If the
    value of a data point causes a function to attempt to divide by zero, the data point is dropped"). Raises MathError
    for two arrays."""
    calculate = OPERATORS[symbol]
    match left, right:
        case list(), list():
            raise MathError(f"The operands of {symbol} are both arrays of time series; one of them may be")
        case list(), _:
            return [_one(combine(symbol, member, right), member) for member in left]
        case _, list():
            return [_one(combine(symbol, left, member), member) for member in right]
        case Series(), Series():
            return _combined(calculate, left.values, right.values)
        case Series(), float():
            return left.map(lambda value: calculate(value, right))
        case float(), Series():
            return right.map(lambda value: calculate(left, value))
        case float(), float():
            return calculate(left, right)
    raise MathError(f"{symbol} cannot be applied to these")


def _combined(
    calculate: Callable[[float, float], float], left: Mapping[int, float], right: Mapping[int, float]
) -> Series:
    values = {start: calculate(left.get(start, 0.0), right.get(start, 0.0)) for start in sorted({*left, *right})}
    return Series(values={start: value for start, value in values.items() if math.isfinite(value)})


def _one(combined: Value, of: Series) -> Series:
    if not isinstance(combined, Series):
        raise MathError("An array holds something that is no time series")
    return Series(values=combined.values, id=of.id, label=of.label)
