"""Policies and services to test with."""

from __future__ import annotations

from localcloud.emulator.cloudwatch.evaluation import COMPARISONS, Rule
from localcloud.scaling.model import CPU, Alarm, Service, Size, StepPolicy, Timing
from localcloud.scaling.steps import AdjustmentType, StepAdjustment


def alarm(operator: str = "GreaterThanOrEqualToThreshold", threshold: float = 70) -> Alarm:
    """CPU, two of three minutes."""
    return Alarm(
        metrics={"m": CPU},
        statistic="Average",
        period=60,
        rule=Rule(comparison=COMPARISONS[operator], threshold=threshold, periods=3, to_alarm=2),
    )


def out(*steps: tuple[float, float | None, int], name: str = "out", cooldown: float = 300) -> StepPolicy:
    return StepPolicy(
        name=name,
        alarm=alarm(),
        kind=AdjustmentType.CHANGE,
        steps=tuple(StepAdjustment(lower=lower, upper=upper, adjustment=change) for lower, upper, change in steps),
        cooldown=cooldown,
    )


def in_(change: int = -1, *, name: str = "in", cooldown: float = 300) -> StepPolicy:
    return StepPolicy(
        name=name,
        alarm=alarm("LessThanOrEqualToThreshold", 30),
        kind=AdjustmentType.CHANGE,
        steps=(StepAdjustment(lower=None, upper=0, adjustment=change),),
        cooldown=cooldown,
    )


def service(*policies: StepPolicy, minimum: int = 2, maximum: int = 12, slots: int | None = None) -> Service:
    return Service(
        name="worker" if slots else "web",
        region="us-east-1",
        minimum=minimum,
        maximum=maximum,
        policies=policies,
        size=Size(vcpu=1, memory_gib=2, architecture="arm64", slots=slots),
        timing=Timing(start=50, ready=40, drain=30),
    )
