"""Metric math over the single values of one moment, by the local cloud's own evaluator."""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.emulator.cloudwatch import expressions
from localcloud.emulator.cloudwatch.math_parser import MathError
from localcloud.emulator.cloudwatch.math_values import Series
from localcloud.scaling.errors import ScalingError

_NOW = 0


def evaluate(expression: str, values: Mapping[str, float]) -> float:
    """The value of an expression. Raises ScalingError where it has none at a single moment."""
    known = {name: Series(values={_NOW: float(value)}, id=name) for name, value in values.items()}
    try:
        value = expressions.evaluate(expression, known, periods=range(_NOW, _NOW + 60, 60))
    except MathError as error:
        raise ScalingError(f"the simulator cannot work out the metric math {expression!r}: {error}") from None
    if isinstance(value, Series) and value.values:
        return value.values[_NOW]
    if isinstance(value, float):
        return value
    raise ScalingError(
        f"the simulator cannot work out the metric math {expression!r}: it gives no data point for {dict(values)}"
    )
