"""Alarms on alarms: one cause speaks once, and planned work not at all.

    maintenance ─┐
    database-outage ─┤ known-cause: while it is red …        … these say nothing:
    broker-outage ───┘                                        web-outage, processing-outage, web-degraded

Causes themselves are silent during maintenance only.
"""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.monitoring.alarm import AlarmProps, Alarms, CompositeProps, Meaning, Missing, Severity
from infra.monitoring.metrics.application import ApplicationMetrics

GATE = "P0"
"""Red while any P0 is: what a pipeline asks before it goes on (`gate.p0_alarms` in config/tooling/pipeline.toml)."""

MAINTENANCE_MINUTES = 30


def add_maintenance(alarms: Alarms, metrics: ApplicationMetrics) -> None:
    """An alarm that somebody sets: it is no fault, and says nothing."""
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="maintenance",
                severity=Severity.P0,
                owner="platform",
                says="Somebody is at work on the platform: outages are not told meanwhile.",
                spoken=False,
            ),
            metric=metrics.maintenance(),
            comparison=">=",
            threshold=1,
            because=f"one data point holds for {MAINTENANCE_MINUTES} minutes, so that nobody forgets to end it",
            periods=MAINTENANCE_MINUTES,
            datapoints=1,
            missing=Missing.GOOD,
            missing_because="nobody is at work unless they say so",
        )
    )


def add_causes(alarms: Alarms) -> None:
    """Outages that take everything else with them, and the alarm that others ask for a known cause."""
    maintenance = alarms.by_name.get("maintenance")
    for name, says, parts in (
        ("database-outage", "PostgreSQL is gone or failing over: nothing works.",
         ("database-unreachable", "database-failover")),
        ("broker-outage", "The broker is gone: uploads wait until it is back. None is lost.", ("broker-unreachable",)),
    ):  # fmt: skip
        _add_any(alarms, name=name, severity=Severity.P0, owner="platform", says=says, parts=parts, quiet=maintenance)
    _add_any(
        alarms,
        name="known-cause",
        severity=Severity.P0,
        owner="platform",
        says="The cause is known: what follows from it is not told.",
        parts=("database-outage", "broker-outage", "maintenance"),
        spoken=False,
        runbook="maintenance",
    )


def add_symptoms(alarms: Alarms) -> None:
    """What people see of an outage. Silent while the cause is known."""
    known = alarms.by_name.get("known-cause")
    for name, severity, says, parts in (
        ("web-outage", Severity.P0, "People cannot use SpendSmart.",
         ("web-no-healthy-targets", "web-errors", "journey-failing", "availability-burns-fast",
          "latency-burns-fast")),
        ("processing-outage", Severity.P0, "Receipts are not read.",
         ("queue-stalled", "scheduler-silent", "reading-burns-fast")),
        ("web-degraded", Severity.P1, "SpendSmart is slow, or fails now and then.",
         ("web-slow", "web-very-slow", "web-some-errors")),
    ):  # fmt: skip
        _add_any(alarms, name=name, severity=severity, owner="application", says=says, parts=parts, quiet=known)
    _add_any(
        alarms,
        name="openai-degraded",
        severity=Severity.P1,
        owner="application",
        says="OpenAI fails or is slow: readings take longer, and some are made here instead.",
        parts=("openai-failing", "openai-slow"),
        quiet=alarms.by_name.get("openai-breaker-open"),
    )


def add_gate(alarms: Alarms) -> None:
    """One alarm for all that pages, for pipelines and dashboards; each of those speaks for itself."""
    _add_any(
        alarms,
        name=GATE,
        severity=Severity.P0,
        owner="platform",
        says="Something that pages is red: no release goes on.",
        parts=tuple(alarms.spoken(Severity.P0)),
        spoken=False,
        runbook="p0",
    )


def _add_any(
    alarms: Alarms,
    *,
    name: str,
    severity: Severity,
    owner: str,
    says: str,
    parts: tuple[str, ...],
    quiet: cloudwatch.IAlarm | None = None,
    spoken: bool = True,
    runbook: str = "",
) -> None:
    rule = alarms.any_of(*parts)
    if rule is None:
        return
    there = [part for part in parts if part in alarms.by_name]
    alarms.add_composite(
        CompositeProps(
            meaning=Meaning(name=name, severity=severity, owner=owner, says=says, spoken=spoken, runbook=runbook),
            rule=rule,
            when=f"any of {', '.join(there)}",
            quiet_during=quiet,
        )
    )
