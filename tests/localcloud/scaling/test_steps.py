"""Step adjustments, by the examples of AWS's documentation."""

from __future__ import annotations

import pytest

from localcloud.scaling.steps import AdjustmentType, StepAdjustment, new_capacity, step_for

OUT = (
    StepAdjustment(lower=0, upper=10, adjustment=0),
    StepAdjustment(lower=10, upper=20, adjustment=10),
    StepAdjustment(lower=20, upper=None, adjustment=30),
)
IN = (
    StepAdjustment(lower=-10, upper=0, adjustment=0),
    StepAdjustment(lower=-20, upper=-10, adjustment=-10),
    StepAdjustment(lower=None, upper=-20, adjustment=-30),
)
"""The tables of "Step adjustments" (step-scaling-policy-overview.html) for a threshold of 50, in percent."""


@pytest.mark.parametrize(
    ("value", "adjustment"),
    [(50, 0), (59.9, 0), (60, 10), (69.9, 10), (70, 30), (1000, 30)],
)
def test_above_the_threshold_the_lower_bound_belongs_to_the_step(value: float, adjustment: int) -> None:
    step = step_for(OUT, value=value, threshold=50)
    assert step is not None
    assert step.adjustment == adjustment


@pytest.mark.parametrize(
    ("value", "adjustment"),
    [(50, 0), (40.1, 0), (40, -10), (30.1, -10), (30, -30), (0, -30)],
)
def test_below_the_threshold_the_upper_bound_belongs_to_the_step(value: float, adjustment: int) -> None:
    step = step_for(IN, value=value, threshold=50)
    assert step is not None
    assert step.adjustment == adjustment


def test_outside_of_all_steps_nothing_is_scaled() -> None:
    assert step_for(OUT, value=49.9, threshold=50) is None
    assert step_for(IN, value=50.1, threshold=50) is None


@pytest.mark.parametrize(
    ("value", "current", "after"),
    [
        (60, 10, 11),  # "add 10 percent of 10"
        (70, 11, 14),  # "add 30 percent of 11, 3.3, rounded down to 3"
        (40, 14, 13),  # "remove 10 percent of 14, 1.4, rounded down to 1"
        (30, 13, 10),  # "remove 30 percent of 13, 3.9, rounded down to 3"
    ],
)
def test_the_documentations_walk_from_ten_to_fourteen_and_back(value: float, current: int, after: int) -> None:
    step = step_for(OUT if value >= 50 else IN, value=value, threshold=50)
    assert step is not None
    assert new_capacity(step, kind=AdjustmentType.PERCENT, current=current) == after


@pytest.mark.parametrize(("percent", "current", "after"), [(67, 1, 2), (-67, 1, 0), (127, 10, 22), (-67, 10, 4)])
def test_percentages_are_rounded_towards_zero_but_never_to_it(percent: int, current: int, after: int) -> None:
    """0.67 to 1, -0.67 to -1, 12.7 to 12, -6.7 to -6."""
    step = StepAdjustment(lower=0, upper=None, adjustment=percent)
    assert new_capacity(step, kind=AdjustmentType.PERCENT, current=current) == after


def test_the_least_magnitude_is_for_percentages() -> None:
    """API_StepScalingPolicyConfiguration.html: 25 percent of 4 tasks is 1, with MinAdjustmentMagnitude 2 it is 2."""
    step = StepAdjustment(lower=0, upper=None, adjustment=25)
    assert new_capacity(step, kind=AdjustmentType.PERCENT, current=4) == 5
    assert new_capacity(step, kind=AdjustmentType.PERCENT, current=4, minimum_magnitude=2) == 6
    one = StepAdjustment(lower=0, upper=None, adjustment=1)
    assert new_capacity(one, kind=AdjustmentType.CHANGE, current=4, minimum_magnitude=2) == 5


def test_an_exact_capacity_is_one() -> None:
    step = StepAdjustment(lower=0, upper=None, adjustment=7)
    assert new_capacity(step, kind=AdjustmentType.EXACT, current=2) == 7
