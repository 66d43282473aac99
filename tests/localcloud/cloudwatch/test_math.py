"""Metric math by AWS's tables of operators and functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from localcloud.emulator.cloudwatch import math_functions
from localcloud.emulator.cloudwatch.expressions import QuerySet
from localcloud.emulator.cloudwatch.math_parser import MathError
from localcloud.emulator.cloudwatch.math_values import Series
from localcloud.emulator.cloudwatch.queries import MetricQuery, QueryError, Values, Window

from .examples import rows

_METRICS = json.loads((Path(__file__).parent / "data" / "math.json").read_text())["metrics"]
_HOUR = 1_800_000_000 // 3600 * 3600
_WINDOW = Window(start=_HOUR, end=_HOUR + 240)


def values(query: MetricQuery) -> Values:
    listed = _METRICS[query.id]
    return {_HOUR + 60 * index: float(value) for index, value in enumerate(listed) if value is not None}


def stat(identifier: str, period: int = 60) -> dict[str, Any]:
    return {
        "Id": identifier,
        "MetricStat": {"Metric": {"Namespace": "App", "MetricName": identifier}, "Period": period, "Stat": "Sum"},
    }


def evaluate(*expressions: str) -> Any:
    """The value of the last expression; they are called e1, e2 and so on."""
    asked = [stat(name) for name in _METRICS]
    asked += [{"Id": f"e{number}", "Expression": text} for number, text in enumerate(expressions, start=1)]
    return QuerySet.read(asked).evaluate(values, _WINDOW, f"e{len(expressions)}")


def listed(series: Any) -> list[float | None]:
    assert isinstance(series, Series)
    return [series.values.get(start) for start in range(_WINDOW.start, _WINDOW.end, 60)]


@pytest.mark.parametrize("row", rows("math"), ids=lambda row: row["expression"])
def test_expressions_give_what_the_guide_says(row: dict[str, Any]) -> None:
    result = [None if value is None else pytest.approx(value) for value in row["result"]]
    assert listed(evaluate(row["expression"])) == result, row["rule"]


def test_every_function_has_a_published_row() -> None:
    text = " ".join(row["expression"] for row in rows("math"))
    untried = {name for name in math_functions.FUNCTIONS if f"{name}(" not in text}
    assert untried == {"LOG", "EPOCH", "HOUR", "DAY", "DATE", "MONTH", "YEAR", "REMOVE_EMPTY"}


def test_expressions_refer_to_expressions() -> None:
    assert listed(evaluate("m1 * 2", "e1 + 1")) == [21, 41, None, 81]
    assert [series.id for series in evaluate("METRICS() * 2")] == list(_METRICS)


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("m1 +", "ends too early"),
        ("m1 + + m2", "'\\+' is not expected here"),
        ("(m1", "'\\)' is missing"),
        ("m1 m2", "'m2' is not expected here"),
        ("m1 % 2", "'%' is not part of the syntax"),
        ("__import__('os')", "__IMPORT__ is not a function"),
        ("SEARCH('{AWS/ECS} x', 'Sum')", "SEARCH is not available in the local cloud"),
        ("ANOMALY_DETECTION_BAND(m1)", "anomaly detection learns from weeks"),
        ("(" * 200 + "m1" + ")" * 200, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_says_why(expression: str, problem: str) -> None:
    with pytest.raises(MathError, match=problem):
        evaluate(expression)


@pytest.mark.parametrize(
    ("expressions", "problem"),
    [
        (("m9 + 1",), "no expression with the id 'm9'"),
        (("e2", "e1"), "refers to itself"),
        (("METRICS() + METRICS()",), "both arrays"),
        (("[1, 2]",), "an array holds time series"),
        (("IF(METRICS(), 1)",), "single time series"),
        (("+".join(["m1"] * 1500),), "too many parts"),
    ],
)
def test_what_cannot_be_computed_says_why(expressions: tuple[str, ...], problem: str) -> None:
    with pytest.raises(MathError, match=f"(?i){problem}"):
        evaluate(*expressions)


def test_metrics_of_several_periods_are_refused() -> None:
    asked = [stat("m1"), stat("m2", period=300), {"Id": "e1", "Expression": "m1 + m2"}]
    with pytest.raises(QueryError, match=r"\[60, 300\] seconds"):
        QuerySet.read(asked)
