"""Answers queries of CloudWatch Logs Insights over events: filter, fields, display, stats, sort, limit.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from localcloud.emulator.cloudwatch.insights_parser import (
    AGGREGATES,
    Call,
    Command,
    Expression,
    Literal,
    Name,
    QueryError,
    parsed,
)

Row = dict[str, Any]

LIMIT = 10_000
"""Rows of an answer, unless the query says fewer."""

_DEFAULT: tuple[tuple[Expression, str], ...] = ((Name("@timestamp"), "@timestamp"), (Name("@message"), "@message"))


def answered(query: str, events: Iterable[Row]) -> list[Row]:
    """The rows of the answer; `events` have their fields, `discovered` from a message. Raises QueryError."""
    rows, shown, limit = list(events), _DEFAULT, LIMIT
    for command in parsed(query):
        match command.verb:
            case "filter":
                rows = [row for row in rows if _truth(_value(command.condition, row))]
            case "fields" | "display":
                shown = command.columns
                rows = [{**row, **{name: _value(expression, row) for expression, name in shown}} for row in rows]
            case "stats":
                rows, shown = _grouped(rows, command), ()
            case "sort":
                rows = _sorted(rows, command)
            case _:
                limit = min(limit, command.number)
    names = [name for _, name in shown]
    return [{name: row.get(name) for name in names} if names else row for row in rows[:limit]]


def discovered(message: str, *, timestamp: int, stream: str = "", group: str = "") -> Row:
    """An event's fields: those that all have, and those of its JSON with dots for what is inside; `timestamp` in ms."""
    when = datetime.fromtimestamp(timestamp / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    own = {"@timestamp": when, "@message": message, "@logStream": stream, "@log": group}
    try:
        found = json.loads(message)
    except ValueError:
        return own
    return {**(_flat(found) if isinstance(found, dict) else {}), **own}


def _flat(value: Mapping[str, Any], prefix: str = "") -> Row:
    flat: Row = {}
    for name, inner in value.items():
        if isinstance(inner, dict):
            flat |= _flat(inner, f"{prefix}{name}.")
        elif isinstance(inner, list):
            flat |= _flat({str(place): item for place, item in enumerate(inner)}, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = inner
    return flat


def _grouped(rows: Sequence[Row], command: Command) -> list[Row]:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(_value(expression, row) for expression, _ in command.by)].append(row)
    if not command.by:
        groups.setdefault((), [])
    return [
        {
            **{name: _aggregate(expression, members) for expression, name in command.columns},
            **dict(zip((name for _, name in command.by), key, strict=True)),
        }
        for key, members in groups.items()
    ]


def _aggregate(expression: Expression, rows: Sequence[Row]) -> Any:
    """Of a group; arithmetic on aggregates is done with their results."""
    if not isinstance(expression, Call):
        return expression.value if isinstance(expression, Literal) else _value(expression, rows[0]) if rows else None
    if expression.function not in AGGREGATES:
        results = tuple(Literal(_aggregate(argument, rows)) for argument in expression.arguments)
        return _value(Call(expression.function, results), {})
    if not expression.arguments:
        return len(rows)
    values = [value for row in rows if (value := _value(expression.arguments[0], row)) is not None]
    match expression.function:
        case "count":
            return len(values)
        case "count_distinct":
            return len(set(map(str, values)))
    numbers = sorted(number for value in values if (number := _number(value)) is not None)
    if not numbers:
        return None
    match expression.function:
        case "sum":
            return math.fsum(numbers)
        case "avg":
            return math.fsum(numbers) / len(numbers)
        case "min":
            return numbers[0]
        case "max":
            return numbers[-1]
        case _:
            share = _number(_value(expression.arguments[1], {})) or 0
            return numbers[max(0, math.ceil(share / 100 * len(numbers)) - 1)]


def _sorted(rows: Sequence[Row], command: Command) -> list[Row]:
    ((expression, name),) = command.columns

    def key(row: Row) -> tuple[bool, float, str]:
        value = row[name] if name in row else _value(expression, row)
        number = _number(value)
        return (value is not None, math.inf if number is None else number, str(value))

    return sorted(rows, key=key, reverse=command.descending)


def _value(expression: Expression | None, row: Row) -> Any:
    match expression:
        case Name(name):
            return row.get(name)
        case Literal(value):
            return value
        case Call("and", (left, right)):
            return _truth(_value(left, row)) and _truth(_value(right, row))
        case Call("or", (left, right)):
            return _truth(_value(left, row)) or _truth(_value(right, row))
        case Call(function, arguments) if function not in AGGREGATES:
            return _called(function, [_value(argument, row) for argument in arguments])
        case _:
            raise QueryError(f"{expression} stands where only stats can")


def _called(function: str, values: Sequence[Any]) -> Any:
    first, second = values[0], values[1] if len(values) > 1 else None
    match function:
        case "not":
            return not _truth(first)
        case "ispresent":
            return first is not None
        case "strlen":
            return None if first is None else len(str(first))
        case "in":
            return any(_compared("=", first, value) for value in values[1:])
        case "like":
            return first is not None and re.search(str(second), str(first)) is not None
        case "+" | "-" | "*" | "/":
            return _computed(function, _number(first), _number(second))
        case _:
            return _compared(function, first, second)


def _compared(sign: str, left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    numbers = _number(left), _number(right)
    if None in numbers:
        numbers = str(left), str(right)  # type: ignore[assignment]
    one, other = numbers
    match sign:
        case "=":
            return one == other
        case "!=":
            return one != other
        case "<":
            return one < other  # type: ignore[operator]
        case "<=":
            return one <= other  # type: ignore[operator]
        case ">":
            return one > other  # type: ignore[operator]
        case _:
            return one >= other  # type: ignore[operator]


def _computed(sign: str, left: float | None, right: float | None) -> float | None:
    if left is None or right is None or (sign == "/" and not right):
        return None
    return {"+": left + right, "-": left - right, "*": left * right}[sign] if sign != "/" else left / right


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return float(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _truth(value: Any) -> bool:
    return value is True or (not isinstance(value, bool) and value not in (None, "", 0))
