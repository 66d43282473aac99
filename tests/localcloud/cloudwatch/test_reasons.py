"""Sentences that CloudWatch wrote, as found in published notifications (data/reasons.json names where)."""

from __future__ import annotations

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
