"""What users are promised, and how much of the error budget is left."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.monitoring.alarm import Alarms
from infra.monitoring.alarms.objectives import FAST, SLOW, Objective, budget_left_percent
from infra.monitoring.dashboards.page import WIDTH, Graph, heading, row, states
from infra.monitoring.metrics.statistic import DAY, HOUR

WINDOW_DAYS = 30


def rows(alarms: Alarms, promised: Sequence[Objective]) -> list[list[cloudwatch.IWidget]]:
    burning = [
        alarms.by_name[name]
        for one in promised
        for burn in (FAST, SLOW)
        if (name := f"{one.name}-burns-{burn.name}") in alarms.by_name
    ]
    return [
        *([states("Budgets that burn", burning)] if burning else []),
        *(widgets for one in promised for widgets in _of(one)),
    ]


def _of(objective: Objective) -> list[list[cloudwatch.IWidget]]:
    allowed = objective.allowed_percent
    return [
        heading(
            f"## {objective.name.capitalize()}\n{objective.promise}, over {WINDOW_DAYS} days. "
            f"The error budget is {allowed:g} %."
        ),
        [
            # One figure for the whole window: a period of 30 days.
            cloudwatch.SingleValueWidget(
                title=f"Budget left of {WINDOW_DAYS} days (%)",
                metrics=[budget_left_percent(objective, WINDOW_DAYS * DAY)],
                width=WIDTH // 4,
                height=6,
                start=f"-P{WINDOW_DAYS}D",
                end="P0D",
            ),
            *row(
                Graph(
                    title="Broken, by the hour (%)",
                    lines=[objective.bad_percent(HOUR)],
                    limits=[(f"{burn.name}: {burn.severity}", min(burn.rate * allowed, 100)) for burn in (FAST, SLOW)],
                ),
                Graph(title="Broken, by the day (%)", lines=[objective.bad_percent(DAY)], limits=[("budget", allowed)]),
                beside=WIDTH // 4,
            ),
        ],
    ]
