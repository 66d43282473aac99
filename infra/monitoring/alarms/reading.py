"""The queue, and what becomes of receipts."""

from __future__ import annotations

from infra.monitoring.alarm import AlarmProps, Alarms, Meaning, Missing, Severity
from infra.monitoring.alarms.web import OUTAGES
from infra.monitoring.metrics.application import ApplicationMetrics
from infra.monitoring.metrics.statistic import MINUTE

_SILENT = "scheduler-silent tells when nobody reports"


def add(alarms: Alarms, metrics: ApplicationMetrics) -> None:
    _add_outages(alarms, metrics)
    _add_waiting(alarms, metrics)
    limits = alarms.environment.alarms.thresholds
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="queue-long",
                severity=Severity.P1,
                owner="application",
                says="Many receipts wait: more come in than all workers together can read.",
                logs="worker",
                causes=("worker-cpu-at-maximum", "openai-breaker-open", "openai-limits-reached"),
            ),
            metric=metrics.backlog(),
            comparison=">=",
            threshold=limits.queue_length,
            because="two hours of work for the workers at their maximum, by the measured 2.6 CPU seconds a receipt",
            periods=15,
            datapoints=15,
            missing=Missing.GOOD,
            missing_because=_SILENT,
        )
    )
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="readings-given-up",
                severity=Severity.P1,
                owner="application",
                says="Many receipts are given up: people find them marked as failed.",
                logs="worker",
                causes=("openai-breaker-open",),
            ),
            metric=metrics.failed_percent(15 * MINUTE, least=20),
            comparison=">=",
            threshold=limits.extraction_failed_percent,
            because="of six tries each; in calm times it is none, and single broken pictures are no more than 1 %",
            periods=2,
            datapoints=2,
            missing=Missing.GOOD,
            missing_because="nothing was read, so nothing was given up",
        )
    )


def _add_outages(alarms: Alarms, metrics: ApplicationMetrics) -> None:
    limits = alarms.environment.alarms.thresholds
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="queue-stalled",
                severity=Severity.P0,
                owner="application",
                says="Receipts that people wait for are not read.",
                logs="worker",
                causes=OUTAGES,
                spoken=False,
            ),
            metric=metrics.oldest_seconds("interactive"),
            comparison=">=",
            threshold=limits.stalled_seconds,
            because="ten times what reading takes in calm times; who waits at a limiter is in another queue",
            periods=5,
            datapoints=5,
            missing=Missing.GOOD,
            missing_because=_SILENT,
        )
    )
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="scheduler-silent",
                severity=Severity.P0,
                owner="application",
                says="The scheduler does not report: lost messages are not sent again, and nobody measures the queue.",
                logs="beat",
                causes=OUTAGES,
                spoken=False,
            ),
            metric=metrics.scheduler_reports(),
            comparison="<",
            threshold=1,
            because="it reports twice a minute; a rollout replaces it within two",
            periods=6,
            datapoints=6,
            missing=Missing.BAD,
            missing_because="no report is what this alarm is about",
        )
    )


def _add_waiting(alarms: Alarms, metrics: ApplicationMetrics) -> None:
    limits = alarms.environment.alarms.thresholds
    for queue, seconds, because in (
        ("interactive", limits.interactive_wait_seconds, "somebody sits in front of the screen"),
        ("default", limits.default_wait_seconds, "a second try comes within minutes; this is beyond the last one"),
        ("bulk", limits.bulk_wait_seconds, "a folder takes its time, but the same evening"),
    ):
        alarms.add(
            AlarmProps(
                meaning=Meaning(
                    name=f"queue-{queue}-waits",
                    severity=Severity.P1,
                    owner="application",
                    says=f"Receipts wait long in the queue {queue}.",
                    logs="worker",
                    causes=("worker-cpu-at-maximum", "openai-breaker-open", "openai-limits-reached", *OUTAGES),
                    runbook="queue-waits",
                ),
                metric=metrics.oldest_seconds(queue),
                comparison=">=",
                threshold=seconds,
                because=because,
                periods=5,
                datapoints=5,
                missing=Missing.GOOD,
                missing_because=_SILENT,
            )
        )
