"""Valkey on ElastiCache: each node reports for itself.

https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.monitoring.metrics.statistic import MINUTE, expression, metric

_NAMESPACE = "AWS/ElastiCache"


@dataclass(frozen=True, kw_only=True)
class ValkeyMetrics:
    """One replication group of one shard; `nodes` counts its primary and its replicas. `title`: broker, cache."""

    title: str
    group: str
    nodes: int

    def memory_percent(self, seconds: int = MINUTE) -> cloudwatch.IMetric:
        """Of the fullest node."""
        return self._worst("DatabaseMemoryUsagePercentage", "Maximum", seconds, "memory (%)")

    def cpu_percent(self, seconds: int = MINUTE) -> cloudwatch.IMetric:
        """Of the busiest node's engine, which is one thread."""
        return self._worst("EngineCPUUtilization", "Average", seconds, "engine CPU (%)")

    def evictions(self, seconds: int = 5 * MINUTE) -> cloudwatch.IMetric:
        return self._worst("Evictions", "Sum", seconds, "evictions")

    def connections(self, seconds: int = MINUTE) -> cloudwatch.IMetric:
        return self._worst("CurrConnections", "Maximum", seconds, "connections")

    def _worst(self, name: str, statistic: str, seconds: int, label: str) -> cloudwatch.IMetric:
        # ElastiCache numbers the nodes of a group in three digits; which is the primary changes with a failover.
        each = {
            f"{self.title}{number}": metric(
                _NAMESPACE,
                name,
                statistic=statistic,
                seconds=seconds,
                label=f"{self.title}: {label}",
                dimensions={"CacheClusterId": f"{self.group}-{number:03}"},
            )
            for number in range(1, self.nodes + 1)
        }
        if len(each) == 1:
            return each[f"{self.title}1"]
        return expression(f"MAX([{','.join(each)}])", label=f"{self.title}: {label}", seconds=seconds, metrics=each)
