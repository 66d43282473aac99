"""Alarms that scale: step scaling policies of Application Auto Scaling, carried out on ECS services.

An alarm invokes its policies when it goes into ALARM and every minute it stays there; what is done then is decided by
`localcloud.scaling`, which the rehearsal of scaling (`make scaling`) decides by, too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from localcloud.emulator.cloudwatch.alarms import rule_of
from localcloud.emulator.cloudwatch.evaluation import Rule
from localcloud.emulator.cloudwatch.store import Scope
from localcloud.emulator.internal import client, scope
from localcloud.emulator.services import application_autoscaling
from localcloud.scaling.autoscaler import Activity, Autoscaler, Invocation
from localcloud.scaling.model import Alarm, StepPolicy
from localcloud.scaling.steps import AdjustmentType, StepAdjustment

_DEFAULT_COOLDOWN_SECONDS = 300

Record = Mapping[str, Any]


class ScalingError(RuntimeError):
    """A policy could not be carried out."""


def is_policy(action: str) -> bool:
    return ":scalingPolicy:" in action


class ScalingActions:
    """Collects what alarms ask for at the same time, then scales every target once."""

    def __init__(self) -> None:
        self._asked: dict[tuple[Scope, str], list[tuple[Invocation, str]]] = {}

    def ask(self, place: Scope, action: str, alarm: Record) -> None:
        """Note that an alarm in ALARM invokes the policy `action` (in the scope of the request). Raises ScalingError
        when that cannot lead to anything."""
        policy = application_autoscaling.policy(action)
        if policy is None:
            raise ScalingError(f"there is no scaling policy {action}")
        if policy.get("PolicyType", "StepScaling") != "StepScaling":
            raise ScalingError("the local cloud carries out step scaling policies only")
        invocation = _invocation(policy, alarm)
        self._asked.setdefault((place, policy["ResourceId"]), []).append((invocation, alarm["AlarmName"]))

    def scale(self) -> None:
        """Carry out what was asked for."""
        asked, self._asked = self._asked, {}
        for (place, resource), invocations in asked.items():
            with scope(place[1]):
                _scale(resource, invocations)


def _scale(resource: str, invocations: list[tuple[Invocation, str]]) -> None:
    target = application_autoscaling.target(resource)
    if target is None:
        return
    _, cluster, service = resource.split("/")
    found = client("ecs").describe_services(cluster=cluster, services=[service])["services"][0]
    desired, now = int(found["desiredCount"]), time.time()
    scaler = Autoscaler(
        desired=desired,
        minimum=target["MinCapacity"],
        maximum=target["MaxCapacity"],
        cooldowns=application_autoscaling.cooldowns(resource),
    )
    if int(found["runningCount"]) == desired:
        scaler.fulfilled(now)
    scaler.invoke(now, [one for one, _ in invocations if not _suspended(target, one)])
    for activity in scaler.activities:
        client("ecs").update_service(cluster=cluster, service=service, desiredCount=activity.after)
        application_autoscaling.note_activity(target, after=activity.after, cause=_cause(activity, invocations))
    application_autoscaling.note_cooldowns(resource, scaler.cooldowns)


def _suspended(target: Record, invocation: Invocation) -> bool:
    state = target.get("SuspendedState") or {}
    way = "DynamicScalingOutSuspended" if invocation.policy.grows else "DynamicScalingInSuspended"
    return bool(state.get(way))


def _cause(activity: Activity, invocations: list[tuple[Invocation, str]]) -> str:
    policy, alarm = next(
        (one.policy.name, alarm) for one, alarm in invocations if one.policy.label == activity.cause
    )  # fmt: skip
    return f"monitor alarm {alarm} in state ALARM triggered policy {policy}"


def _invocation(policy: Record, alarm: Record) -> Invocation:
    settings = policy["StepScalingPolicyConfiguration"]
    rule = rule_of(alarm)
    metric = alarm.get("MetricName") or alarm["AlarmName"]
    read = StepPolicy(
        name=policy["PolicyName"],
        alarm=Alarm(metrics={"m": metric}, statistic="", period=int(alarm.get("Period") or 60), rule=rule),
        kind=AdjustmentType(settings["AdjustmentType"]),
        steps=tuple(
            StepAdjustment(
                lower=step.get("MetricIntervalLowerBound"),
                upper=step.get("MetricIntervalUpperBound"),
                adjustment=int(step["ScalingAdjustment"]),
            )
            for step in settings["StepAdjustments"]
        ),
        cooldown=float(settings.get("Cooldown", _DEFAULT_COOLDOWN_SECONDS)),
        aggregation=settings.get("MetricAggregationType") or "Average",
        minimum_magnitude=int(settings.get("MinAdjustmentMagnitude") or 0),
    )
    return Invocation(policy=read, value=_value(read.aggregation, rule, alarm))


def _value(aggregation: str, rule: Rule, alarm: Record) -> float:
    """The alarm's breaching data points taken together: those within the threshold select no step."""
    recent = json.loads(alarm.get("StateReasonData") or "{}").get("recentDatapoints") or ()
    values = [value for value in recent if rule.breaches(value)]
    if not values:
        raise ScalingError("the alarm's StateReasonData has no breaching recentDatapoints to select a step by")
    match aggregation:
        case "Minimum":
            return float(min(values))
        case "Maximum":
            return float(max(values))
    return float(sum(values) / len(values))
