"""OpenAI: whether it answers, how fast, within which limits, and for how much."""

from __future__ import annotations

from infra.monitoring.alarm import AlarmProps, Alarms, Meaning, Missing, Severity
from infra.monitoring.metrics.application import ApplicationMetrics
from infra.monitoring.metrics.statistic import MINUTE

_NO_CALLS = "no call, no figure"


def add(alarms: Alarms, metrics: ApplicationMetrics) -> None:
    _add_service(alarms, metrics)
    _add_spending(alarms, metrics)


def _add_service(alarms: Alarms, metrics: ApplicationMetrics) -> None:
    limits = alarms.environment.alarms.thresholds
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="openai-breaker-open",
                severity=Severity.P1,
                owner="application",
                says="OpenAI is not asked: too many calls failed. The embedded engine reads, less well.",
                logs="worker",
            ),
            metric=metrics.openai_breaker_open(),
            comparison=">=",
            threshold=1,
            because="it opens for half a minute at first; longer, and OpenAI has an outage",
            periods=5,
            datapoints=3,
            missing=Missing.GOOD,
            missing_because="the sweeper says it twice a minute; scheduler-silent tells when it does not",
        )
    )
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="openai-failing",
                severity=Severity.P1,
                owner="application",
                says="Many calls of OpenAI end without an answer.",
                logs="worker",
                runbook="openai-degraded",
                spoken=False,
            ),
            metric=metrics.openai_failed_percent(5 * MINUTE, least=10),
            comparison=">=",
            threshold=limits.openai_failed_percent,
            because="each is tried again by itself; the breaker opens at 50 %",
            periods=3,
            datapoints=2,
            missing=Missing.GOOD,
            missing_because=_NO_CALLS,
        )
    )
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="openai-slow",
                severity=Severity.P1,
                owner="application",
                says="OpenAI answers slowly: people wait longer for their receipts.",
                logs="worker",
                runbook="openai-degraded",
                spoken=False,
            ),
            metric=metrics.openai_seconds("p95"),
            comparison=">=",
            threshold=limits.openai_p95_seconds,
            because="what the breaker calls slow",
            periods=3,
            datapoints=3,
            missing=Missing.GOOD,
            missing_because=_NO_CALLS,
        )
    )
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="openai-limits-reached",
                severity=Severity.P1,
                owner="application",
                says="The rate that OpenAI allows us is used up: receipts wait for their turn.",
                logs="worker",
            ),
            metric=metrics.openai_waits(),
            comparison=">=",
            threshold=limits.openai_waits_per_5_minutes,
            because="single waits smooth a burst; at this rate the queue grows",
            periods=3,
            datapoints=3,
            missing=Missing.GOOD,
            missing_because="nobody was sent back",
        )
    )


def _add_spending(alarms: Alarms, metrics: ApplicationMetrics) -> None:
    environment, limits = alarms.environment, alarms.environment.alarms.thresholds
    for name, metric, threshold, says, because in (
        ("openai-spend-day", metrics.openai_spent_today(),
         environment.budgets.openai_daily_usd * limits.openai_day_percent / 100,
         "Most of the day's budget for OpenAI is spent: at 100 % the embedded engine reads.",
         f"{limits.openai_day_percent:g} % of budgets.openai_daily_usd: time to look before it is used up"),
        ("openai-spend-month", metrics.openai_spent_this_month(), limits.openai_month_usd,
         "The month's budget for OpenAI is spent.",
         "the day's budget is for bursts; a month of such days is not planned for"),
        ("openai-cost-per-receipt", metrics.openai_cents_per_receipt(least=20), limits.openai_cents_per_receipt,
         "A receipt costs more than it should: longer prompts, the stronger model, or readings repeated.",
         "in cents; ten times what the model of the configuration takes for a receipt of ordinary length"),
    ):  # fmt: skip
        alarms.add(
            AlarmProps(
                meaning=Meaning(
                    name=name,
                    severity=Severity.P2,
                    owner="application",
                    says=says,
                    dashboard="cost",
                    runbook="openai-spend",
                ),
                metric=metric,
                comparison=">=",
                threshold=threshold,
                because=because,
                periods=1,
                datapoints=1,
                missing=Missing.GOOD,
                missing_because="nothing was spent",
            )
        )
