"""Step scaling of ECS services: on CPU, and on the work that waits. `make scaling` tries it on load traces."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs

from infra.config.models import Scaling, Worker

BACKLOG_METRIC = "BacklogPerTask"
"""Jobs that wait or are worked on, per worker task; published by the application, without dimensions."""

_PERIOD = cdk.Duration.minutes(1)

_OUT_COOLDOWN = cdk.Duration.seconds(60)
"""Begins when the new tasks run; the minute in which they take their share of the work is waited for."""

_IN_COOLDOWN = cdk.Duration.seconds(120)


def scale_between(service: ecs.FargateService, limits: Scaling) -> ecs.ScalableTaskCount:
    """Keep between the least and the most tasks of `limits`; policies are added to what is returned."""
    return service.auto_scale_task_count(min_capacity=limits.min_count, max_capacity=limits.max_count)


def scale_on_cpu(count: ecs.ScalableTaskCount, service: ecs.FargateService, limits: Scaling) -> None:
    """Out at or above the upper share of CPU, in at or below the lower one; two of three minutes have to agree."""
    _out_on_cpu(count, service, limits)
    _in_when_idle(count, limits, utilization=service.metric_cpu_utilization(period=_PERIOD))


def scale_on_cpu_and_backlog(
    count: ecs.ScalableTaskCount, service: ecs.FargateService, limits: Worker, *, namespace: str
) -> None:
    """Out on CPU, and while `backlog_per_task` jobs or more wait for each task: one, from three times as many two, from
    six times three. In when neither CPU nor the places for jobs are used by more than the lower share.

    Workers that wait for an answer of a model need little CPU, so CPU alone would neither see a queue growing nor that
    all places are taken: what the backlog starts, CPU would stop again (ADR 46).
    """
    backlog = cloudwatch.Metric(namespace=namespace, metric_name=BACKLOG_METRIC, statistic="Maximum", period=_PERIOD)
    _out_on_cpu(count, service, limits)
    count.scale_on_metric(
        "Backlog",
        metric=backlog,
        scaling_steps=[
            autoscaling.ScalingInterval(lower=limits.backlog_per_task, change=1),
            autoscaling.ScalingInterval(lower=limits.backlog_per_task * 3, change=2),
            autoscaling.ScalingInterval(lower=limits.backlog_per_task * 6, change=3),
        ],
        adjustment_type=autoscaling.AdjustmentType.CHANGE_IN_CAPACITY,
        cooldown=_OUT_COOLDOWN,
        evaluation_periods=2,
        datapoints_to_alarm=2,
    )
    taken = f"100 * backlog / {limits.concurrency}"
    utilization = cloudwatch.MathExpression(
        expression=f"IF(cpu > {taken}, cpu, {taken})",
        using_metrics={"cpu": service.metric_cpu_utilization(period=_PERIOD), "backlog": backlog},
        label="Use of CPU or of places for jobs, whichever is higher (%)",
        period=_PERIOD,
    )
    _in_when_idle(count, limits, utilization=utilization)


def _out_on_cpu(count: ecs.ScalableTaskCount, service: ecs.FargateService, limits: Scaling) -> None:
    """One task more at or above the upper share; a third of the maximum when halfway from there to 100 %, where nobody
    can tell how much more than all of the CPU is asked for."""
    count.scale_on_metric(
        "Cpu",
        metric=service.metric_cpu_utilization(period=_PERIOD),
        scaling_steps=[
            autoscaling.ScalingInterval(lower=limits.scale_out_cpu, change=1),
            autoscaling.ScalingInterval(lower=(limits.scale_out_cpu + 100) // 2, change=max(2, limits.max_count // 3)),
        ],
        adjustment_type=autoscaling.AdjustmentType.CHANGE_IN_CAPACITY,
        cooldown=_OUT_COOLDOWN,
        evaluation_periods=3,
        datapoints_to_alarm=2,
    )


def _in_when_idle(count: ecs.ScalableTaskCount, limits: Scaling, *, utilization: cloudwatch.IMetric) -> None:
    """One task less at or below the lower share: one of two leaves at 30 %, and the other has 60."""
    count.scale_on_metric(
        "Idle",
        metric=utilization,
        scaling_steps=[
            autoscaling.ScalingInterval(upper=limits.scale_in_cpu, change=-1),
            autoscaling.ScalingInterval(lower=100, change=0),
        ],
        adjustment_type=autoscaling.AdjustmentType.CHANGE_IN_CAPACITY,
        cooldown=_IN_COOLDOWN,
        evaluation_periods=3,
        datapoints_to_alarm=2,
    )
