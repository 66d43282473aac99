"""Step scaling of ECS services: on CPU, and on the work that waits."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs

from infra.config.models import Scaling

BACKLOG_METRIC = "BacklogPerTask"
"""Jobs that wait, per worker task; published by the application, without dimensions."""

_PERIOD = cdk.Duration.minutes(1)
_COOLDOWN = cdk.Duration.seconds(120)


def scale_between(service: ecs.FargateService, limits: Scaling) -> ecs.ScalableTaskCount:
    """Keep between the least and the most tasks of `limits`; policies are added to what is returned."""
    return service.auto_scale_task_count(min_capacity=limits.min_count, max_capacity=limits.max_count)


def scale_on_cpu(count: ecs.ScalableTaskCount, service: ecs.FargateService, limits: Scaling) -> None:
    """One task more at or above the upper share of CPU, two when halfway from there to 100 %, one less at or below the
    lower share; two of three minutes have to agree."""
    count.scale_on_metric(
        "Cpu",
        metric=service.metric_cpu_utilization(period=_PERIOD),
        scaling_steps=[
            autoscaling.ScalingInterval(upper=limits.scale_in_cpu, change=-1),
            autoscaling.ScalingInterval(lower=limits.scale_out_cpu, change=1),
            autoscaling.ScalingInterval(lower=(limits.scale_out_cpu + 100) // 2, change=2),
        ],
        adjustment_type=autoscaling.AdjustmentType.CHANGE_IN_CAPACITY,
        cooldown=_COOLDOWN,
        evaluation_periods=3,
        datapoints_to_alarm=2,
    )


def scale_on_backlog(count: ecs.ScalableTaskCount, *, namespace: str, per_task: int) -> None:
    """More tasks while `per_task` jobs or more wait for each: one; from three times as many two, from six times three.

    It only scales out. Workers that wait for an answer of a model need little CPU, so CPU alone would not see a queue
    growing; when the queue is empty, CPU brings the number down. Where both speak, the larger number wins.
    """
    count.scale_on_metric(
        "Backlog",
        metric=cloudwatch.Metric(namespace=namespace, metric_name=BACKLOG_METRIC, statistic="Maximum", period=_PERIOD),
        scaling_steps=[
            autoscaling.ScalingInterval(lower=per_task, change=1),
            autoscaling.ScalingInterval(lower=per_task * 3, change=2),
            autoscaling.ScalingInterval(lower=per_task * 6, change=3),
        ],
        adjustment_type=autoscaling.AdjustmentType.CHANGE_IN_CAPACITY,
        cooldown=_COOLDOWN,
        evaluation_periods=2,
        datapoints_to_alarm=2,
    )
