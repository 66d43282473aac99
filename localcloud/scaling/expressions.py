"""Metric math over single values: arithmetic, comparisons, IF, MAX, MIN, SUM and AVG of an array.

Source: Amazon CloudWatch User Guide, using-metric-math.html. Its syntax for these happens to be Python's.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Any

from localcloud.scaling.errors import ScalingError

_OPERATORS: dict[type, Callable[[Any, Any], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_FUNCTIONS: dict[str, Callable[[list[float]], float]] = {"MAX": max, "MIN": min, "SUM": sum, "AVG": fmean}


def evaluate(expression: str, values: Mapping[str, float]) -> float:
    """The value of an expression. Raises ScalingError for anything else than the above."""
    try:
        return float(_value(ast.parse(expression, mode="eval").body, values))
    except (SyntaxError, KeyError, TypeError, ZeroDivisionError, NotImplementedError) as error:
        raise ScalingError(
            f"the simulator cannot work out the metric math {expression!r} ({error}): it knows arithmetic, "
            "comparisons, IF, and MAX, MIN, SUM and AVG of an array"
        ) from None


def _value(node: ast.expr, values: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, values)
        case ast.BinOp(left=left, op=operation, right=right):
            return _OPERATORS[type(operation)](_value(left, values), _value(right, values))
        case ast.Compare(left=left, ops=[operation], comparators=[right]):
            return _OPERATORS[type(operation)](_value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
            return _value(then if _value(condition, values) else otherwise, values)
        case ast.Call(func=ast.Name(id=name), args=[ast.List(elts=elements)]):
            return _FUNCTIONS[name]([_value(one, values) for one in elements])
    raise NotImplementedError(ast.unparse(node))
