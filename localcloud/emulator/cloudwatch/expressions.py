"""Metrics and the expressions that refer to them by their ids: what GetMetricData and alarms on metric math ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.emulator.cloudwatch import math_functions
from localcloud.emulator.cloudwatch.math_functions import Context
from localcloud.emulator.cloudwatch.math_parser import (
    Array,
    Call,
    MathError,
    Name,
    Negation,
    Node,
    Number,
    Operation,
    Text,
    calls,
    names,
    parse,
)
from localcloud.emulator.cloudwatch.math_values import Series, Value, combine
from localcloud.emulator.cloudwatch.metrics import Metric
from localcloud.emulator.cloudwatch.queries import MetricQuery, QueryError, Values, Window


@dataclass(frozen=True, kw_only=True)
class Expression:
    id: str
    text: str
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class QuerySet:
    """The queries of one request or alarm."""

    metrics: tuple[MetricQuery, ...]
    expressions: tuple[Expression, ...]
    period: int

    @classmethod
    def read(cls, asked: Sequence[Mapping[str, Any]]) -> QuerySet:
        """Raises QueryError, StatisticError, MathError."""
        metrics = tuple(MetricQuery.read(query) for query in asked if "MetricStat" in query)
        expressions = tuple(
            Expression(id=query["Id"], text=query["Expression"], label=query.get("Label", ""))
            for query in asked
            if "Expression" in query
        )
        for expression in expressions:
            for call in calls(parse(expression.text)):
                math_functions.check(call)
        periods = {query.period for query in metrics} or {int(query["Period"]) for query in asked if "Period" in query}
        if expressions and len(periods) > 1:
            raise QueryError(
                f"The local cloud computes with metrics of one period at a time, not with {sorted(periods)} seconds"
            )
        return cls(metrics=metrics, expressions=expressions, period=max(periods, default=60))

    @property
    def watched(self) -> tuple[Metric, ...]:
        return tuple(query.metric for query in self.metrics)

    def evaluate(self, values: Callable[[MetricQuery], Values], window: Window, wanted: str) -> Value:
        """The value of the query with the id `wanted`; `values` reads a metric's. Raises MathError."""
        found = {query.id: Series(values=values(query), id=query.id, label=query.label) for query in self.metrics}
        context = Context(
            periods=range(window.start, window.end, self.period), metrics=[found[query.id] for query in self.metrics]
        )
        expressions = {expression.id: parse(expression.text) for expression in self.expressions}
        return _Evaluation(known=dict(found), expressions=expressions, context=context).of(wanted)


def needed(asked: Sequence[Mapping[str, Any]], wanted: str) -> list[Mapping[str, Any]]:
    """Those of the queries that the one with the id `wanted` computes with, itself included. Raises MathError."""
    expressions = {query["Id"]: parse(query["Expression"]) for query in asked if "Expression" in query}
    found, open_ids = {wanted}, [wanted]
    while open_ids:
        tree = expressions.get(open_ids.pop())
        if tree is None:
            continue
        if any(call.function == "METRICS" for call in calls(tree)):
            return list(asked)
        open_ids += (more := set(names(tree)) - found)
        found |= more
    return [query for query in asked if query["Id"] in found]


def evaluate(text: str, known: Mapping[str, Series], *, periods: range) -> Value:
    """The value of one expression over the time series that its ids stand for. Raises MathError."""
    context = Context(periods=periods, metrics=list(known.values()))
    return _Evaluation(known=dict(known), expressions={"": parse(text)}, context=context).of("")


@dataclass(kw_only=True)
class _Evaluation:
    """One evaluation; every expression is computed once."""

    known: dict[str, Value]
    expressions: Mapping[str, Node]
    context: Context
    under_way: list[str] = field(default_factory=list)

    def of(self, identifier: str) -> Value:
        if identifier not in self.known:
            if identifier not in self.expressions:
                raise MathError(f"There is no metric and no expression with the id {identifier!r}")
            if identifier in self.under_way:
                raise MathError(f"The expression {identifier!r} refers to itself")
            self.under_way.append(identifier)
            self.known[identifier] = self._value(self.expressions[identifier])
            self.under_way.pop()
        return self.known[identifier]

    def _value(self, node: Node) -> Value:
        match node:
            case Number(value):
                return value
            case Name(name):
                return self.of(name)
            case Negation(of):
                return combine("*", -1.0, self._value(of))
            case Operation(operator, left, right):
                return combine(operator, self._value(left), self._value(right))
            case Call():
                return math_functions.call(node, self._value, self.context)
            case Array(members):
                return self._array(members)
            case Text(text):
                raise MathError(f"The text {text!r} is not expected here")

    def _array(self, members: Sequence[Node]) -> list[Series]:
        found: list[Series] = []
        for member in members:
            match self._value(member):
                case Series() as series:
                    found.append(series)
                case list() as several:
                    found.extend(several)
                case _:
                    raise MathError("An array holds time series, no numbers")
        return found
