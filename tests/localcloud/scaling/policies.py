"""Policies and services to test with."""

from __future__ import annotations

from localcloud.scaling.model import CPU, Alarm, Comparison, Missing, Service, Size, StepPolicy, Timing
from localcloud.scaling.steps import AdjustmentType, StepAdjustment


def alarm(
    comparison: Comparison = Comparison.AT_LEAST,
    threshold: float = 70,
    *,
    periods: int = 3,
    to_alarm: int = 2,
    missing: Missing = Missing.MISSING,
) -> Alarm:
    return Alarm(
        metrics={"m": CPU},
        statistic="Average",
        comparison=comparison,
        threshold=threshold,
        period=60,
        evaluation_periods=periods,
        datapoints_to_alarm=to_alarm,
        missing=missing,
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
        alarm=alarm(Comparison.AT_MOST, 30),
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
