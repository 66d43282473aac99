"""What would be missed only when it is needed: backups, the receipts' copy, new passwords, and alarms' messages."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.monitoring.alarm import AlarmProps, Alarms, Meaning, Missing, Severity
from infra.monitoring.metrics.application import ApplicationMetrics


def add_backups(alarms: Alarms, metrics: ApplicationMetrics) -> None:
    for kind in ("RDS", "S3"):
        alarms.add(
            AlarmProps(
                meaning=Meaning(
                    name=f"backups-missed-{kind.lower()}",
                    severity=Severity.P0,
                    owner="platform",
                    says=f"There is no fresh backup of {kind}: what is lost now is lost for a day or more.",
                    runbook="backups-missed",
                ),
                metric=metrics.backup_age_hours(kind),
                comparison=">=",
                threshold=alarms.environment.alarms.thresholds.backup_age_hours,
                because="one a day, and five hours in which AWS Backup may start and end it",
                periods=1,
                datapoints=1,
                missing=Missing.SAME,
                missing_because="asked once an hour; check-failing tells when it is not",
            )
        )


def add_replication(alarms: Alarms, metrics: ApplicationMetrics, failures: cloudwatch.IMetric) -> None:
    limits = alarms.environment.alarms.thresholds
    for name, metric, threshold, says, because in (
        ("replication-behind", metrics.replication_seconds(), limits.replication_seconds,
         "The copy of the receipts in the other region is behind.",
         "S3 promises 15 minutes for nearly all objects; this is twice that"),
        ("replication-failed", failures, 1, "S3 has given up copying receipts to the other region.",
         "each is a receipt that only one region has"),
    ):  # fmt: skip
        alarms.add(
            AlarmProps(
                meaning=Meaning(
                    name=name, severity=Severity.P1, owner="platform", says=says, runbook="replication-behind"
                ),
                metric=metric,
                comparison=">=",
                threshold=threshold,
                because=because,
                periods=2,
                datapoints=1,
                missing=Missing.GOOD,
                missing_because="S3 reports nothing while there is nothing to copy",
            )
        )


def add_rotation(alarms: Alarms, metrics: ApplicationMetrics) -> None:
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="secret-rotation-failed",
                severity=Severity.P1,
                owner="platform",
                says="A secret could not be rotated: the old value still holds.",
            ),
            metric=metrics.events("secret-rotation-failed"),
            comparison=">=",
            threshold=1,
            because="Secrets Manager tries again by itself, but a first failure is rarely the last",
            periods=1,
            datapoints=1,
            missing=Missing.GOOD,
            missing_because="Secrets Manager tells of failures only",
        )
    )


def add_functions(alarms: Alarms, *, notify: cloudwatch.IMetric, checks: cloudwatch.IMetric | None) -> None:
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="messages-failing",
                severity=Severity.P0,
                owner="platform",
                says="Messages about alarms cannot be delivered as they should: they come unformatted, or not at all.",
            ),
            metric=notify,
            comparison=">=",
            threshold=1,
            because="each is an alarm that somebody may not have heard of",
            periods=1,
            datapoints=1,
            missing=Missing.GOOD,
            missing_because="the function runs only when there is something to tell",
        )
    )
    if checks:
        alarms.add(
            AlarmProps(
                meaning=Meaning(
                    name="check-failing",
                    severity=Severity.P1,
                    owner="platform",
                    says="Nobody looks whether backups and copies are fresh: the function that does fails.",
                ),
                metric=checks,
                comparison=">=",
                threshold=1,
                because="it runs every quarter of an hour, and asks AWS a handful of questions",
                periods=4,
                datapoints=2,
                missing=Missing.GOOD,
                missing_because="Lambda reports errors with each run; without runs backups-missed keeps its state",
            )
        )
