"""The way in: healthy tasks, errors, answering times, the synthetic user, certificates, firewalls."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.monitoring.alarm import AlarmProps, Alarms, Meaning, Missing, Severity
from infra.monitoring.metrics import account
from infra.monitoring.metrics.application import ApplicationMetrics
from infra.monitoring.metrics.load_balancer import LoadBalancerMetrics
from infra.monitoring.metrics.statistic import MINUTE

OUTAGES = ("database-outage", "broker-outage")
"""What takes everything else with it."""

_QUIET = "the load balancer reports no requests when there are none"


def add(alarms: Alarms, metrics: LoadBalancerMetrics) -> None:
    """Alarms on what the load balancer sees."""
    _add_outages(alarms, metrics)
    _add_degradations(alarms, metrics)


def _add_outages(alarms: Alarms, metrics: LoadBalancerMetrics) -> None:
    limits = alarms.environment.alarms.thresholds
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="web-no-healthy-targets",
                severity=Severity.P0,
                owner="platform",
                says="No web task is healthy: nobody can use SpendSmart.",
                logs="web",
                causes=OUTAGES,
                spoken=False,
            ),
            metric=metrics.healthy_tasks(),
            comparison="<",
            threshold=1,
            because="with one task people are served, if slowly; with none they are not",
            periods=3,
            datapoints=2,
            missing=Missing.BAD,
            missing_because="a target group without a task reports nothing",
        )
    )
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="web-errors",
                severity=Severity.P0,
                owner="application",
                says="Many requests end with a server's error.",
                logs="web",
                causes=("web-no-healthy-targets", *OUTAGES),
                spoken=False,
            ),
            metric=metrics.error_percent(least_requests=limits.least_requests_per_minute),
            comparison=">=",
            threshold=limits.web_errors_percent,
            because="one request in twenty is an outage for whoever makes a few",
            periods=5,
            datapoints=3,
            missing=Missing.GOOD,
            missing_because=_QUIET,
        )
    )


def _add_degradations(alarms: Alarms, metrics: LoadBalancerMetrics) -> None:
    limits = alarms.environment.alarms.thresholds
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="web-some-errors",
                severity=Severity.P1,
                owner="application",
                says="Some requests end with a server's error.",
                logs="web",
                runbook="web-errors",
                causes=OUTAGES,
                spoken=False,
            ),
            metric=metrics.error_percent(5 * MINUTE, least_requests=5 * limits.least_requests_per_minute),
            comparison=">=",
            threshold=limits.web_some_errors_percent,
            because="ten times what the objective of availability allows on average",
            periods=3,
            datapoints=2,
            missing=Missing.GOOD,
            missing_because=_QUIET,
        )
    )
    for name, statistic, limit, because in (
        ("web-slow", "p95", limits.web_p95_seconds, "pages feel slow from a second on"),
        ("web-very-slow", "p99", limits.web_p99_seconds, "one in a hundred; longer, and people press again"),
    ):
        alarms.add(
            AlarmProps(
                meaning=Meaning(
                    name=name,
                    severity=Severity.P1,
                    owner="application",
                    says=f"{statistic.removeprefix('p')} % of requests are answered within {limit:g} s no more.",
                    logs="web",
                    causes=(*OUTAGES, "database-cpu", "web-cpu-at-maximum"),
                    runbook="web-slow",
                    spoken=False,
                ),
                metric=metrics.seconds(statistic, 5 * MINUTE),
                comparison=">=",
                threshold=limit,
                because=because,
                periods=3,
                datapoints=3,
                missing=Missing.GOOD,
                missing_because=_QUIET,
            )
        )


def add_journey(alarms: Alarms, metrics: ApplicationMetrics, *, minutes: int) -> None:
    """The synthetic user, who walks every so many minutes."""
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="journey-failing",
                severity=Severity.P0,
                owner="application",
                says="The synthetic user cannot log in, upload, read a receipt, or see where the money went.",
                logs="web",
                causes=("web-no-healthy-targets", "queue-stalled", *OUTAGES),
                spoken=False,
            ),
            metric=metrics.journey_succeeded(minutes * MINUTE),
            comparison="<",
            threshold=1,
            because="two walks in a row: one alone may have met a rollout's end",
            periods=2,
            datapoints=2,
            missing=Missing.SAME,
            missing_because="between two walks there is nothing to see; journey-silent tells when there are none",
        )
    )
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name="journey-silent",
                severity=Severity.P1,
                owner="platform",
                says="The synthetic user does not walk: an outage that only people would see goes unseen.",
            ),
            metric=metrics.plain("JourneySucceeded", "SampleCount", minutes * MINUTE, label="walks"),
            comparison="<",
            threshold=1,
            because="every period should have a walk",
            periods=6,
            datapoints=6,
            missing=Missing.BAD,
            missing_because="no data is no walk",
        )
    )


def add_certificates(alarms: Alarms, arns: Mapping[str, str]) -> None:
    """Certificates by who shows them (`site`, `cdn`)."""
    for holder, arn in arns.items():
        alarms.add(
            AlarmProps(
                meaning=Meaning(
                    name=f"certificate-{holder}-expires",
                    severity=Severity.P0,
                    owner="platform",
                    says=f"The certificate of the {holder} expires soon; then no browser comes in.",
                    runbook="certificate-expires",
                ),
                metric=account.certificate_days_left(arn),
                comparison="<",
                threshold=alarms.environment.alarms.thresholds.certificate_days,
                because="ACM renews 60 days ahead: what is left then has failed to renew for weeks",
                periods=1,
                datapoints=1,
                missing=Missing.SAME,
                missing_because="ACM speaks once a day",
            )
        )


def add_firewalls(alarms: Alarms, blocked: Mapping[str, cloudwatch.IMetric]) -> None:
    """Requests turned away, by firewall (`alb`, `cdn`)."""
    limit = alarms.environment.alarms.thresholds.firewall_blocks_per_5_minutes
    for firewall, metric in blocked.items():
        alarms.add(
            AlarmProps(
                meaning=Meaning(
                    name=f"firewall-blocks-{firewall}",
                    severity=Severity.P1,
                    owner="platform",
                    says="The firewall turns many requests away: an attack, or people whom a rule takes for one.",
                    runbook="firewall-blocks",
                ),
                metric=metric,
                comparison=">=",
                threshold=limit,
                because="scanners are turned away all day, by the dozen; this is more than that",
                periods=2,
                datapoints=2,
                missing=Missing.GOOD,
                missing_because="WAF reports nothing while nothing is blocked",
            )
        )
