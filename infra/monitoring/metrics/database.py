"""PostgreSQL, as RDS reports it, and what its log says.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.monitoring.metrics.statistic import MINUTE, metric

_NAMESPACE = "AWS/RDS"


@dataclass(frozen=True, kw_only=True)
class DatabaseMetrics:
    """One instance. `title` is what people call it: writer, reader-1."""

    title: str
    identifier: str

    def cpu_percent(self, seconds: int = MINUTE) -> cloudwatch.Metric:
        return self._metric("CPUUtilization", "Average", seconds, "CPU (%)")

    def connections(self, seconds: int = MINUTE) -> cloudwatch.Metric:
        return self._metric("DatabaseConnections", "Maximum", seconds, "connections")

    def free_storage_bytes(self, seconds: int = 5 * MINUTE) -> cloudwatch.Metric:
        return self._metric("FreeStorageSpace", "Minimum", seconds, "free storage (bytes)")

    def free_memory_bytes(self, seconds: int = MINUTE) -> cloudwatch.Metric:
        return self._metric("FreeableMemory", "Minimum", seconds, "free memory (bytes)")

    def replica_lag_seconds(self, seconds: int = MINUTE) -> cloudwatch.Metric:
        """How far a reader is behind the writer."""
        return self._metric("ReplicaLag", "Maximum", seconds, "replica lag (s)")

    def load(self, seconds: int = MINUTE) -> cloudwatch.Metric:
        """Sessions that are at work or wait, from Performance Insights."""
        return self._metric("DBLoad", "Average", seconds, "active sessions")

    def waiting(self, seconds: int = MINUTE) -> cloudwatch.Metric:
        """Sessions that wait for something other than the CPU: locks, input and output."""
        return self._metric("DBLoadNonCPU", "Average", seconds, "waiting sessions")

    def read_seconds(self, seconds: int = MINUTE) -> cloudwatch.Metric:
        return self._metric("ReadLatency", "Average", seconds, "read (s)")

    def write_seconds(self, seconds: int = MINUTE) -> cloudwatch.Metric:
        return self._metric("WriteLatency", "Average", seconds, "write (s)")

    def _metric(self, name: str, statistic: str, seconds: int, label: str) -> cloudwatch.Metric:
        return metric(
            _NAMESPACE,
            name,
            statistic=statistic,
            seconds=seconds,
            label=f"{self.title}: {label}",
            dimensions={"DBInstanceIdentifier": self.identifier},
        )
