"""Metrics and expressions in one line each, with the label that graphs show."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

MINUTE = 60
HOUR = 3600
DAY = 86_400


def metric(
    namespace: str,
    name: str,
    *,
    statistic: str,
    seconds: int,
    label: str = "",
    dimensions: Mapping[str, str] | None = None,
) -> cloudwatch.Metric:
    """One metric by `statistic` over periods of so many seconds."""
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        statistic=statistic,
        period=cdk.Duration.seconds(seconds),
        label=label or name,
        dimensions_map=dict(dimensions) if dimensions else None,
    )


def expression(
    text: str, *, label: str, seconds: int, metrics: Mapping[str, cloudwatch.IMetric]
) -> cloudwatch.MathExpression:
    """Metric math over metrics by id, all of one period."""
    return cloudwatch.MathExpression(
        expression=text, label=label, period=cdk.Duration.seconds(seconds), using_metrics=dict(metrics)
    )
