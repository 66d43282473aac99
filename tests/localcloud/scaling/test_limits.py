"""Scheduled actions and the forecast, both off by default."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.scaling.errors import ScalingError
from localcloud.scaling.limits import predicted, read_schedule, scheduled
from localcloud.scaling.model import Service
from localcloud.scaling.outcome import Trial, try_out
from localcloud.scaling.traces import HOUR, TRACES

SCHEDULE = """
[[action]]
service = "web"
at = "06:30"
minimum = 8

[[action]]
service = "web"
at = "20:00"
minimum = 2
maximum = 6
"""


@pytest.fixture
def schedule(tmp_path: Path) -> Path:
    path = tmp_path / "schedule.toml"
    path.write_text(SCHEDULE)
    return path


def test_scheduled_actions_hold_until_the_next_one(prod: list[Service], schedule: Path) -> None:
    limits = scheduled(prod[0], read_schedule(schedule))
    assert limits is not None
    assert limits(0) == (2, 12, "template")
    assert limits(6.5 * HOUR) == (8, 12, "scheduled")
    assert limits(20 * HOUR) == (2, 6, "scheduled")
    assert limits(25 * HOUR) == (2, 6, "scheduled"), "the next day begins with the last action"
    assert scheduled(prod[1], read_schedule(schedule)) is None


def test_a_schedule_changes_the_run(prod: list[Service], schedule: Path) -> None:
    trial = Trial(trace="daily-wave", schedule=tuple(read_schedule(schedule)))
    (result,) = try_out("prod", prod, trial).results
    assert next(one for one in result.run.activities if one.cause == "scheduled").at == 6.5 * HOUR
    assert result.run.minutes[390].desired == 8
    assert max(one.desired for one in result.run.minutes[1210:]) <= 6


def test_a_forecast_starts_tasks_before_they_are_needed(prod: list[Service]) -> None:
    (without,) = try_out("prod", prod, Trial(trace="daily-wave")).results
    (with_it,) = try_out("prod", prod, Trial(trace="daily-wave", predictive=True)).results
    assert any(one.cause == "predicted" for one in with_it.run.activities)
    assert max(one.busy for one in with_it.run.minutes) < max(one.busy for one in without.run.minutes)
    assert with_it.cost > without.cost
    assert with_it.ok


def test_there_is_no_forecast_for_less_than_a_day(prod: list[Service]) -> None:
    assert predicted(prod[0], TRACES["ramp"], most=12) is None


@pytest.mark.parametrize("content", ["", "[[action]]\nservice = 'web'\nat = 'noon'\nminimum = 1", "[[action"])
def test_a_wrong_schedule_is_explained(tmp_path: Path, content: str) -> None:
    path = tmp_path / "schedule.toml"
    path.write_text(content)
    with pytest.raises(ScalingError, match="holds \\[\\[action\\]\\] tables"):
        read_schedule(path)


def test_a_schedule_for_a_service_that_is_not_there(prod: list[Service], tmp_path: Path) -> None:
    path = tmp_path / "schedule.toml"
    path.write_text("[[action]]\nservice = 'wep'\nat = '07:00'\nminimum = 1")
    with pytest.raises(ScalingError, match="name wep; services are web, worker"):
        try_out("prod", prod, Trial(schedule=tuple(read_schedule(path))))
