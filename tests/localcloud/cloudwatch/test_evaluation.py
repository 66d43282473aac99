"""The alarm's state by AWS's published tables."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.emulator.cloudwatch.evaluation import COMPARISONS, Missing, Point, Rule, State, evaluate

from .examples import rows

_CASES = [
    pytest.param(row, treatment, id=f"{row['m']} of {row['n']}, {row['points']}, {treatment.value}")
    for row in rows("missing_data")
    for treatment in Missing
    if treatment.value in row
]


def rule(m: int, n: int, missing: Missing = Missing.MISSING, comparison: str = "GreaterThanThreshold") -> Rule:
    return Rule(comparison=COMPARISONS[comparison], threshold=10.0, periods=n, to_alarm=m, missing=missing)


def points(text: str) -> list[Point | None]:
    values = {"0": 0.0, "X": 20.0}
    return [
        Point(start=60 * index, value=values[letter]) if letter in values else None
        for index, letter in enumerate(text.split())
    ]


@pytest.mark.parametrize(("row", "treatment"), _CASES)
@pytest.mark.parametrize("current", list(State))
def test_states_are_those_of_the_published_tables(row: dict[str, Any], treatment: Missing, current: State) -> None:
    asked = rule(row["m"], row["n"], treatment)
    latest = points(row["points"])
    assert asked.range == len(latest), "the evaluation range of the published examples"
    verdict = evaluate(asked, latest, current)
    assert verdict.state == (current if row[treatment.value] == "retain" else State(row[treatment.value]))
    assert verdict.filled == row["filled"]


@pytest.mark.parametrize(
    ("comparison", "below", "equal", "above"),
    [
        ("GreaterThanOrEqualToThreshold", "OK", "ALARM", "ALARM"),
        ("GreaterThanThreshold", "OK", "OK", "ALARM"),
        ("LessThanThreshold", "ALARM", "OK", "OK"),
        ("LessThanOrEqualToThreshold", "ALARM", "ALARM", "OK"),
    ],
)
def test_comparison_operators(comparison: str, below: str, equal: str, above: str) -> None:
    for value, state in ((9.0, below), (10.0, equal), (11.0, above)):
        verdict = evaluate(rule(1, 1, comparison=comparison), [Point(start=0, value=value)], State.INSUFFICIENT_DATA)
        assert verdict.state == state
