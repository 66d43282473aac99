"""ECS services that are as large as they may become, and still not large enough."""

from __future__ import annotations

from infra.config.models import Scaling
from infra.monitoring.alarm import AlarmProps, Alarms, Meaning, Missing, Severity
from infra.monitoring.metrics.ecs_service import EcsServiceMetrics


def add(alarms: Alarms, metrics: EcsServiceMetrics, limits: Scaling) -> None:
    """A service at its maximum count. Below it, scaling is at work and nobody has to be told."""
    thresholds = alarms.environment.alarms.thresholds
    for kind, metric, threshold, because in (
        ("cpu", metrics.cpu_percent_at(limits.max_count), thresholds.service_cpu_percent,
         f"scaling adds tasks at {limits.scale_out_cpu} %; at the maximum it cannot, and requests begin to wait"),
        ("memory", metrics.memory_percent_at(limits.max_count), thresholds.service_memory_percent,
         "at 100 % ECS kills the container that asks for more"),
    ):  # fmt: skip
        alarms.add(
            AlarmProps(
                meaning=Meaning(
                    name=f"{metrics.title}-{kind}-at-maximum",
                    severity=Severity.P1,
                    owner="platform",
                    says=f"All {limits.max_count} {metrics.title} tasks run, and their {kind} is nearly used up.",
                    logs=metrics.title,
                    runbook=f"service-{kind}-at-maximum",
                ),
                metric=metric,
                comparison=">=",
                threshold=threshold,
                because=because,
                periods=10,
                datapoints=8,
                missing=Missing.GOOD,
                missing_because="no task, no figure: web-no-healthy-targets and queue-stalled tell of that",
            )
        )


def add_memory(alarms: Alarms, metrics: EcsServiceMetrics) -> None:
    """One task's memory: more tasks do not help whose own is too small."""
    alarms.add(
        AlarmProps(
            meaning=Meaning(
                name=f"{metrics.title}-task-memory",
                severity=Severity.P1,
                owner="application",
                says=f"A {metrics.title} task has nearly used up its memory: ECS will kill it, and what it is doing.",
                logs=metrics.title,
                runbook="task-memory",
            ),
            metric=metrics.memory_percent(statistic="Maximum"),
            comparison=">=",
            threshold=95,
            because="the last step before it is killed, whatever the others have left",
            periods=5,
            datapoints=3,
            missing=Missing.GOOD,
            missing_because="no task, no figure",
        )
    )
