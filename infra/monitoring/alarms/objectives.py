"""Objectives: how fast the budget of errors is used up, in two windows at once.

From the Google SRE Workbook, "Alerting on SLOs", multiwindow and multi-burn-rate alerts: a long window, so that what is
over soon does not speak, and a short one of a twelfth, so that it is silent soon after the end. At 14.4 times the
allowed rate an hour uses up 2 % of the budget of 30 days, at 6 times six hours use up 5 %.
https://sre.google/workbook/alerting-on-slos/
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.monitoring.alarm import AlarmProps, Alarms, CompositeProps, Meaning, Missing, Severity
from infra.monitoring.alarms.web import OUTAGES
from infra.monitoring.metrics.application import ApplicationMetrics
from infra.monitoring.metrics.load_balancer import LoadBalancerMetrics
from infra.monitoring.metrics.statistic import HOUR, MINUTE, expression


@dataclass(frozen=True, kw_only=True)
class Objective:
    """`promise` in words. `bad_percent` gives, for a window in seconds, the percentage that broke it."""

    name: str
    percent: float
    promise: str
    bad_percent: Callable[[int], cloudwatch.MathExpression]
    logs: str

    @property
    def allowed_percent(self) -> float:
        """The budget: what may break the promise."""
        return round(100 - self.percent, 6)


@dataclass(frozen=True, kw_only=True)
class BurnRate:
    """`rate` times the allowed share of errors, in a long and in a short window (seconds)."""

    name: str
    rate: float
    long: int
    short: int
    severity: Severity
    budget: str


FAST = BurnRate(
    name="fast", rate=14.4, long=HOUR, short=5 * MINUTE, severity=Severity.P0, budget="2 % of 30 days' budget in 1 h"
)
SLOW = BurnRate(
    name="slow", rate=6, long=6 * HOUR, short=30 * MINUTE, severity=Severity.P1, budget="5 % of 30 days' budget in 6 h"
)


def objectives(
    alarms: Alarms, load_balancer: LoadBalancerMetrics, application: ApplicationMetrics
) -> tuple[Objective, ...]:
    """What this environment's users are promised."""
    promised = alarms.environment.objectives
    least = alarms.environment.alarms.thresholds.least_requests_per_minute * 5
    return (
        Objective(
            name="availability",
            percent=promised.availability_percent,
            promise=f"{promised.availability_percent:g} % of requests without a server's error",
            bad_percent=lambda seconds: load_balancer.error_percent(seconds, least_requests=least),
            logs="web",
        ),
        Objective(
            name="latency",
            percent=promised.latency_percent,
            promise=f"{promised.latency_percent:g} % of requests within {promised.latency_seconds:g} s",
            bad_percent=lambda seconds: load_balancer.slow_percent(
                promised.latency_seconds, seconds, least_requests=least
            ),
            logs="web",
        ),
        Objective(
            name="reading",
            percent=promised.reading_percent,
            promise=f"{promised.reading_percent:g} % of receipts read within {promised.reading_seconds} s",
            bad_percent=lambda seconds: application.late_percent(promised.reading_seconds, seconds),
            logs="worker",
        ),
    )


def add(alarms: Alarms, objective: Objective, *, quiet_during: cloudwatch.IAlarm | None) -> None:
    """Alarms on both burn rates. The fast one is part of an outage, which speaks for it."""
    for burn in (FAST, SLOW):
        name = f"{objective.name}-burns-{burn.name}"
        for window, seconds in (("long", burn.long), ("short", burn.short)):
            _add_window(alarms, objective, burn, name=f"{name}-{window}", seconds=seconds)
        both = alarms.all_of(f"{name}-long", f"{name}-short")
        if both is None:
            continue
        alarms.add_composite(
            CompositeProps(
                meaning=Meaning(
                    name=name,
                    severity=burn.severity,
                    owner="application",
                    says=f"The error budget of {objective.name} burns: {objective.promise} is in danger.",
                    dashboard="objectives",
                    logs=objective.logs,
                    causes=OUTAGES,
                    runbook="objective-burns",
                    spoken=burn is SLOW,
                ),
                rule=both,
                when=f"{burn.rate:g} times the allowed rate, in {_span(burn.long)} and in {_span(burn.short)}",
                quiet_during=quiet_during if burn is SLOW else None,
            )
        )


def _add_window(alarms: Alarms, objective: Objective, burn: BurnRate, *, name: str, seconds: int) -> None:
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name=name,
                severity=burn.severity,
                owner="application",
                says=f"Within {_span(seconds)}, {objective.promise} was broken too often.",
                dashboard="objectives",
                logs=objective.logs,
                runbook="objective-burns",
                spoken=False,
            ),
            metric=objective.bad_percent(seconds),
            comparison=">=",
            threshold=round(min(burn.rate * objective.allowed_percent, 100), 6),
            because=f"{burn.rate:g} times the {objective.allowed_percent:g} % allowed: {burn.budget}",
            periods=1,
            datapoints=1,
            missing=Missing.GOOD,
            missing_because="nobody came, so nobody was failed",
        )
    )


def budget_left_percent(objective: Objective, seconds: int) -> cloudwatch.MathExpression:
    """Percent of the error budget that is left if all time were as the window; below 0 the promise is broken."""
    bad = objective.bad_percent(seconds)
    return expression(
        f"100-100*({bad.expression})/{objective.allowed_percent:g}",
        label=f"{objective.name}: budget left (%)",
        seconds=seconds,
        metrics=dict(bad.using_metrics),
    )


def _span(seconds: int) -> str:
    return f"{seconds // HOUR} h" if seconds % HOUR == 0 else f"{seconds // MINUTE} min"
