"""Counts of what PostgreSQL writes into its log."""

from __future__ import annotations

from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.config import Environment
from infra.monitoring.metrics.application import namespace

_COUNTED = {"DatabaseDeadlocks": "deadlock detected", "DatabaseSlowStatements": "duration:"}
"""Metrics, and the words that count: a statement beyond log_min_duration_statement is logged with its duration."""


def log_group_name(identifier: str) -> str:
    """Where RDS puts the log of an instance."""
    return f"/aws/rds/instance/{identifier}/postgresql"


class DatabaseLogMetrics(Construct):
    """Metric filters on the log group of one instance, which exists before the instance (`infra.database`)."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, identifier: str) -> None:
        super().__init__(scope, construct_id)
        group = logs.LogGroup.from_log_group_name(self, "Group", log_group_name(identifier))
        for name, words in _COUNTED.items():
            logs.MetricFilter(
                self,
                name,
                log_group=group,
                filter_pattern=logs.FilterPattern.literal(f'"{words}"'),
                metric_namespace=namespace(environment.name),
                metric_name=name,
                metric_value="1",
                default_value=0,
            )
