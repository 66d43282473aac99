"""When an alarm is in ALARM: M of N periods, with CloudWatch's treatment of missing data.

Source: Amazon CloudWatch User Guide, alarm-evaluation.html and alarms-and-missing-data.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from localcloud.scaling.model import Alarm, Missing

EXTRA_PERIODS = 2
"""Periods before the last N that are looked at where data is missing. CloudWatch does not publish how many it takes;
its example for N = 3 shows five."""


class State(Enum):
    """Of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


def evaluated(alarm: Alarm, values: Sequence[float | None]) -> list[float | None]:
    """The N values that count, oldest first, None for one that is missing.

    Where N real values exist in the evaluation range the latest N of them count, from farther back if need be;
    otherwise all real ones count, and what lacks is missing.
    """
    window = values[-(alarm.evaluation_periods + EXTRA_PERIODS) :]
    real = [value for value in window if value is not None]
    kept: list[float | None] = list(real[-alarm.evaluation_periods :])
    return [None] * (alarm.evaluation_periods - len(kept)) + kept


def next_state(alarm: Alarm, values: Sequence[float | None], before: State) -> State:
    """The alarm's state after the latest of `values`, one for each period, oldest first."""
    counted = evaluated(alarm, values)
    real = [value for value in counted if value is not None]
    missing = len(counted) - len(real)
    breaching = sum(alarm.comparison.holds(value, alarm.threshold) for value in real)
    if not real:
        return _without_data(alarm.missing, before)
    if alarm.missing is Missing.BREACHING:
        breaching += missing
    if breaching >= alarm.datapoints_to_alarm:
        return State.ALARM
    if missing and alarm.missing is Missing.IGNORE and breaching + missing >= alarm.datapoints_to_alarm:
        return before
    return State.OK


def _without_data(treatment: Missing, before: State) -> State:
    return {
        Missing.MISSING: State.INSUFFICIENT_DATA,
        Missing.IGNORE: before,
        Missing.BREACHING: State.ALARM,
        Missing.NOT_BREACHING: State.OK,
    }[treatment]
