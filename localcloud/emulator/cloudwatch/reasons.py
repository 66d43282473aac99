"""Why an alarm changed its state, in CloudWatch's own sentences."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from localcloud.emulator.cloudwatch.evaluation import Missing, Point, Rule, State, Verdict

_FILLED_AS = {Missing.BREACHING: "Breaching", Missing.NOT_BREACHING: "NonBreaching"}


def reason(rule: Rule, verdict: Verdict) -> str:
    """StateReason."""
    if verdict.state is State.INSUFFICIENT_DATA:
        return f"Insufficient Data: {_counted(rule.periods, 'datapoint')} {_be(rule.periods)} unknown."
    filled_as = _FILLED_AS.get(rule.missing)
    if not verdict.evaluated:
        return (
            f"Threshold Crossed: no datapoints were received for {_counted(verdict.filled, 'period')} and "
            f"{_counted(verdict.filled, 'missing datapoint')} {_be(verdict.filled)} treated as [{filled_as}]."
        )
    alarm = verdict.state is State.ALARM
    agreeing = [point for point in verdict.evaluated if rule.breaches(point.value) == alarm]
    needed = rule.to_alarm if alarm else rule.periods - rule.to_alarm + 1
    listed = ", ".join(f"{point.value} ({_short_time(point.start)})" for point in agreeing)
    change = "OK -> ALARM" if alarm else "ALARM -> OK"
    filled = ""
    if verdict.filled and filled_as:
        filled = f" and {_counted(verdict.filled, 'missing datapoint')} {_be(verdict.filled)} treated as [{filled_as}]"
    return (
        f"Threshold Crossed: {len(agreeing)} out of the last {rule.periods} datapoints [{listed}] "
        f"{_be(len(agreeing))} {'' if alarm else 'not '}{rule.comparison.words} the threshold ({rule.threshold})"
        f"{filled} (minimum {_counted(needed, 'datapoint')} for {change} transition)."
    )


def reason_data(alarm: Mapping[str, Any], rule: Rule, verdict: Verdict, *, now: float, period: int) -> str:
    """StateReasonData: JSON, of its version 1.0."""
    oldest_first = verdict.evaluated[::-1]
    data = {
        "version": "1.0",
        "queryDate": precise_time(now),
        "startDate": precise_time(oldest_first[0].start) if oldest_first else None,
        "unit": alarm.get("Unit"),
        "statistic": alarm.get("Statistic") or alarm.get("ExtendedStatistic"),
        "period": period,
        "recentDatapoints": [point.value for point in oldest_first],
        "threshold": rule.threshold,
        "evaluatedDatapoints": _evaluated(oldest_first),
    }
    return json.dumps({name: value for name, value in data.items() if value is not None})


def _evaluated(points: Sequence[Point]) -> list[dict[str, Any]]:
    return [{"timestamp": precise_time(point.start), "value": point.value} for point in points]


def precise_time(when: float) -> str:
    """A time as CloudWatch writes it in JSON: 2019-10-01T13:56:40.985+0000."""
    at = datetime.fromtimestamp(when, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"


def _short_time(when: float) -> str:
    return f"{datetime.fromtimestamp(when, UTC):%d/%m/%y %H:%M:%S}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _be(number: int) -> str:
    return "was" if number == 1 else "were"
