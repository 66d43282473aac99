"""Sentences that CloudWatch wrote, as found in published notifications (data/reasons.json names where)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from localcloud.emulator.cloudwatch import reasons
from localcloud.emulator.cloudwatch.evaluation import COMPARISONS, Missing, Point, Rule, State, Verdict

from .examples import rows


def _start(text: str) -> int:
    return int(datetime.strptime(text, "%d/%m/%y %H:%M:%S").replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize("row", rows("reasons"), ids=lambda row: row["reason"][:60])
def test_reasons_read_like_those_of_aws(row: dict[str, Any]) -> None:
    rule = Rule(
        comparison=COMPARISONS[row["operator"]],
        threshold=row["threshold"],
        periods=row["n"],
        to_alarm=row["m"],
        missing=Missing(row.get("treat", "missing")),
    )
    evaluated = tuple(Point(start=_start(start), value=value) for value, start in row["points"])
    verdict = Verdict(state=State(row["state"]), evaluated=evaluated, filled=row.get("filled", 0))
    assert reasons.reason(rule, verdict) == row["reason"]


def test_times_are_written_as_in_state_reason_data() -> None:
    assert reasons.precise_time(1569938200.985) == "2019-10-01T13:56:40.985+0000"


def test_reason_data_lists_the_points_from_the_oldest_on() -> None:
    rule = Rule(comparison=COMPARISONS["GreaterThanThreshold"], threshold=1.0, periods=2, to_alarm=2)
    verdict = Verdict(state=State.ALARM, evaluated=(Point(start=120, value=3.0), Point(start=60, value=2.0)))
    data = json.loads(reasons.reason_data({"Statistic": "Sum"}, rule, verdict, now=190.5, period=60))
    assert data == {
        "version": "1.0",
        "queryDate": "1970-01-01T00:03:10.500+0000",
        "startDate": "1970-01-01T00:01:00.000+0000",
        "statistic": "Sum",
        "period": 60,
        "recentDatapoints": [2.0, 3.0],
        "threshold": 1.0,
        "evaluatedDatapoints": [
            {"timestamp": "1970-01-01T00:01:00.000+0000", "value": 2.0},
            {"timestamp": "1970-01-01T00:02:00.000+0000", "value": 3.0},
        ],
    }
