"""ECS services, as every cluster reports them without Container Insights.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.monitoring.metrics.statistic import MINUTE, expression, metric

_NAMESPACE = "AWS/ECS"


@dataclass(frozen=True, kw_only=True)
class EcsServiceMetrics:
    """`title` is what people call the service: web, worker, beat."""

    title: str
    cluster: str
    service: str

    def cpu_percent(self, seconds: int = MINUTE, statistic: str = "Average") -> cloudwatch.Metric:
        return self._metric("CPUUtilization", statistic, seconds, f"{self.title}: CPU (%)")

    def memory_percent(self, seconds: int = MINUTE, statistic: str = "Average") -> cloudwatch.Metric:
        return self._metric("MemoryUtilization", statistic, seconds, f"{self.title}: memory (%)")

    def tasks(self) -> cloudwatch.Metric:
        """Running tasks: each reports its CPU once a minute (Developer Guide, "Service RUNNING task count")."""
        return self._metric("CPUUtilization", "SampleCount", MINUTE, f"{self.title}: tasks")

    def cpu_percent_at(self, tasks: int) -> cloudwatch.MathExpression:
        """Percent of CPU while that many tasks run or more, else 0: fewer can still be added to."""
        return self._at(tasks, self.cpu_percent(), f"{self.title}: CPU at {tasks} tasks (%)")

    def memory_percent_at(self, tasks: int) -> cloudwatch.MathExpression:
        return self._at(tasks, self.memory_percent(), f"{self.title}: memory at {tasks} tasks (%)")

    def _at(self, tasks: int, used: cloudwatch.Metric, label: str) -> cloudwatch.MathExpression:
        return expression(
            f"IF(running>={tasks},used,0)",
            label=label,
            seconds=MINUTE,
            metrics={"running": self.tasks(), "used": used},
        )

    def _metric(self, name: str, statistic: str, seconds: int, label: str) -> cloudwatch.Metric:
        return metric(
            _NAMESPACE,
            name,
            statistic=statistic,
            seconds=seconds,
            label=label,
            dimensions={"ClusterName": self.cluster, "ServiceName": self.service},
        )
