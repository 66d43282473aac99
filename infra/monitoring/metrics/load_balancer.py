"""The load balancer: requests, errors, times, and how many web tasks it finds healthy.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.monitoring.metrics.statistic import MINUTE, expression, metric

_NAMESPACE = "AWS/ApplicationELB"


@dataclass(frozen=True, kw_only=True)
class LoadBalancerMetrics:
    """`name` and `target_groups` are the last parts of ARNs, as the metrics' dimensions have them."""

    name: str
    target_groups: Sequence[str]

    def requests(self, seconds: int = MINUTE) -> cloudwatch.Metric:
        """Requests that a task was chosen for."""
        return self._metric("RequestCount", "Sum", seconds, "requests")

    def errors_of_tasks(self, seconds: int = MINUTE) -> cloudwatch.Metric:
        return self._metric("HTTPCode_Target_5XX_Count", "Sum", seconds, "5xx of tasks")

    def errors_of_its_own(self, seconds: int = MINUTE) -> cloudwatch.Metric:
        """What it answered itself as no task could: 502, 503, 504. Not among the requests."""
        return self._metric("HTTPCode_ELB_5XX_Count", "Sum", seconds, "5xx of the load balancer")

    def seconds(self, statistic: str, seconds: int = MINUTE) -> cloudwatch.Metric:
        """Seconds until a task answers."""
        return self._metric("TargetResponseTime", statistic, seconds, f"{statistic} (s)")

    def bytes_out(self, seconds: int) -> cloudwatch.Metric:
        return self._metric("ProcessedBytes", "Sum", seconds, "bytes through the load balancer")

    def error_percent(self, seconds: int = MINUTE, *, least_requests: int = 1) -> cloudwatch.MathExpression:
        """Percent of all requests that a server failed; 0 while fewer than `least_requests` came in a period."""
        return expression(
            f"IF(FILL(requests,0)+FILL(own,0)>={least_requests},"
            "100*(FILL(tasks,0)+FILL(own,0))/(FILL(requests,0)+FILL(own,0)),0)",
            label="5xx (%)",
            seconds=seconds,
            metrics={
                "requests": self.requests(seconds),
                "tasks": self.errors_of_tasks(seconds),
                "own": self.errors_of_its_own(seconds),
            },
        )

    def slow_percent(self, limit_seconds: float, seconds: int, *, least_requests: int = 1) -> cloudwatch.MathExpression:
        """Percent of requests that took longer than a limit; 0 while fewer than `least_requests` came in a period."""
        return expression(
            f"IF(FILL(requests,0)>={least_requests},100-within,0)",
            label=f"over {limit_seconds:g} s (%)",
            seconds=seconds,
            metrics={
                "requests": self.requests(seconds),
                "within": self.seconds(f"PR(:{limit_seconds:g})", seconds),
            },
        )

    def healthy_tasks(self, seconds: int = MINUTE) -> cloudwatch.IMetric:
        """Healthy web tasks of the target group that has more: a rollout moves them from one to the other."""
        each = [
            metric(
                _NAMESPACE,
                "HealthyHostCount",
                statistic="Minimum",
                seconds=seconds,
                label="healthy web tasks",
                dimensions={"LoadBalancer": self.name, "TargetGroup": group},
            )
            for group in self.target_groups
        ]
        if len(each) == 1:
            return each[0]
        ids = [f"group{number}" for number in range(1, len(each) + 1)]
        filled = ",".join(f"FILL({one},0)" for one in ids)
        return expression(
            f"MAX([{filled}])", label="healthy web tasks", seconds=seconds, metrics=dict(zip(ids, each, strict=True))
        )

    def _metric(self, name: str, statistic: str, seconds: int, label: str) -> cloudwatch.Metric:
        return metric(
            _NAMESPACE,
            name,
            statistic=statistic,
            seconds=seconds,
            label=label,
            dimensions={"LoadBalancer": self.name},
        )
