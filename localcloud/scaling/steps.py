"""Step adjustments of Application Auto Scaling: which one a metric's value selects, and the capacity that it asks for.

Sources, all in the Application Auto Scaling User Guide and API Reference:
step-scaling-policy-overview.html ("How step scaling works"), API_StepAdjustment.html,
API_StepScalingPolicyConfiguration.html.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class AdjustmentType(Enum):
    """How an adjustment is meant (API_StepScalingPolicyConfiguration.html, AdjustmentType)."""

    CHANGE = "ChangeInCapacity"
    PERCENT = "PercentChangeInCapacity"
    EXACT = "ExactCapacity"


@dataclass(frozen=True, kw_only=True)
class StepAdjustment:
    """One step; `lower` and `upper` are relative to the alarm's threshold, None is without bound."""

    lower: float | None
    upper: float | None
    adjustment: int

    def covers(self, breach: float) -> bool:
        """Whether a metric this far from the threshold is within.

        Above the threshold the lower bound belongs to the step, below it the upper one does: 0 to 10 is "greater than
        or equal to 50 and less than 60", -10 to 0 is "greater than 40 and less than or equal to 50" at a threshold of
        50 (API_StepAdjustment.html).
        """
        lower = -math.inf if self.lower is None else self.lower
        upper = math.inf if self.upper is None else self.upper
        if lower >= 0:
            return lower <= breach < upper
        return lower < breach <= upper


def step_for(steps: Sequence[StepAdjustment], *, value: float, threshold: float) -> StepAdjustment | None:
    """The step that a metric's value selects; None where none does, and nothing is scaled then."""
    return next((step for step in steps if step.covers(value - threshold)), None)


def new_capacity(step: StepAdjustment, *, kind: AdjustmentType, current: int, minimum_magnitude: int = 0) -> int:
    """The capacity that a step asks for, before the limits of the scalable target.

    Of a percentage, "values greater than 1 are rounded down", those "between 0 and 1 are rounded to 1", and likewise
    toward zero below it; `minimum_magnitude` applies to percentages only (step-scaling-policy-overview.html).
    """
    if kind is AdjustmentType.EXACT:
        return step.adjustment
    if kind is AdjustmentType.CHANGE:
        return current + step.adjustment
    change = _rounded(current * step.adjustment / 100)
    if change:
        change = int(math.copysign(max(abs(change), minimum_magnitude), change))
    return current + change


def _rounded(change: float) -> int:
    if 0 < abs(change) < 1:
        return int(math.copysign(1, change))
    return math.trunc(change)
