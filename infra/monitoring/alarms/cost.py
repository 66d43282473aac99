"""What costs by use: bytes that leave, logs, and capacity that nobody uses."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.monitoring.alarm import AlarmProps, Alarms, Meaning, Missing, Severity
from infra.monitoring.metrics.ecs_service import EcsServiceMetrics
from infra.monitoring.metrics.statistic import DAY

_GIB = 1024**3


def add(alarms: Alarms, *, nat: cloudwatch.IMetric, out: cloudwatch.IMetric, logs: cloudwatch.IMetric) -> None:
    """Bytes of a day: through NAT gateways, through the load balancer, into logs."""
    limits = alarms.environment.alarms.thresholds
    for name, metric, gib, says, because in (
        ("nat-bytes", nat, limits.nat_gib_per_day,
         "Much traffic goes through the NAT gateways, where each GB is charged.",
         "calls of OpenAI and of AWS's interfaces; pictures go past the gateways"),
        ("data-transfer", out, limits.out_gib_per_day,
         "Much data goes through the load balancer to the internet, where each GB is charged.",
         "pages and answers are kilobytes, and pictures come from the CDN or S3"),
        ("log-ingestion", logs, limits.log_gib_per_day, "Many logs are written, and each GB is charged.",
         "five times what usage.log_gib_per_month assumes for a day of production"),
    ):  # fmt: skip
        alarms.add(
            AlarmProps(
                meaning=Meaning(name=name, severity=Severity.P2, owner="platform", says=says, dashboard="cost"),
                metric=metric,
                comparison=">=",
                threshold=gib * _GIB,
                because=f"{gib} GiB a day: {because}",
                periods=1,
                datapoints=1,
                missing=Missing.GOOD,
                missing_because="no bytes, no figure",
            )
        )


def add_idle_service(alarms: Alarms, metrics: EcsServiceMetrics) -> None:
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name=f"{metrics.title}-idle",
                severity=Severity.P2,
                owner="platform",
                says=f"The {metrics.title} tasks have had next to nothing to do for a week.",
                dashboard="cost",
                runbook="idle-capacity",
            ),
            metric=metrics.cpu_percent(DAY),
            comparison="<",
            threshold=alarms.environment.alarms.thresholds.idle_cpu_percent,
            because="the average of a day, of the fewest tasks that the configuration allows",
            periods=7,
            datapoints=7,
            missing=Missing.GOOD,
            missing_because="a new service has no week behind it",
        )
    )
