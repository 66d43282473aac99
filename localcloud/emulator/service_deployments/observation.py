"""What the driver looks at: tasks of a deployment, the load balancer's word on them, and alarms."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ministack.services import ecs

from localcloud.emulator import internal
from localcloud.emulator.ecs_records import ENDED, Record, tasks_of
from localcloud.emulator.service_deployments import revisions
from localcloud.emulator.service_deployments.planner import Tasks
from localcloud.emulator.services.elbv2 import served_weights, target_states


def tasks(service: Record, deployment_id: str | None) -> Tasks:
    """The tasks of a deployment, by its id; none of one that is gone."""
    deployment = next((each for each in service["deployments"] if each["id"] == deployment_id), None)
    if deployment is None:
        return Tasks()
    live = [
        task
        for task in tasks_of(service)
        if task.get("_deployment_id") == deployment_id and task["lastStatus"] != ENDED
    ]
    revision = revisions.keep(service, deployment)
    states = target_states()
    return Tasks(
        wanted=int(deployment["desiredCount"]),
        healthy=sum(_healthy(task, revision, states) for task in live),
        live=len(live),
    )


def _healthy(task: Record, revision: Record, states: Mapping[str, Mapping[str, str]]) -> bool:
    if task["lastStatus"] != "RUNNING" or task["desiredStatus"] == ENDED:
        return False
    if _has_checks(task) and task.get("healthStatus") != "HEALTHY":
        return False
    if os.environ.get("LOCALCLOUD_DATAPLANE") == "off":
        return True
    ports = {
        int(binding["containerPort"]): f"{binding['bindIP']}:{binding['hostPort']}"
        for container in task["containers"]
        for binding in container.get("networkBindings", [])
    }
    balancers = [each for each in revision.get("loadBalancers") or [] if each.get("targetGroupArn")]
    return all(
        states.get(group, {}).get(ports.get(int(balancer["containerPort"]), "")) == "healthy"
        for balancer, group in zip(balancers, revisions.target_groups(revision), strict=True)
    )


def test_traffic_arrived(service: Record, deployment_id: str) -> bool:
    """Whether the load balancer sends all test traffic to a deployment's revision; at once without a data plane."""
    if os.environ.get("LOCALCLOUD_DATAPLANE") == "off":
        return True
    revision = revisions.store[revisions.arn_of(service, deployment_id)]
    balancers = [each for each in revision.get("loadBalancers") or [] if each.get("targetGroupArn")]
    served = served_weights()
    for balancer, group in zip(balancers, revisions.target_groups(revision), strict=True):
        rule = (balancer.get("advancedConfiguration") or {}).get("testListenerRule")
        if rule and [arn for arn, weight in served.get(rule, {}).items() if weight] != [group]:
            return False
    return True


def _has_checks(task: Record) -> bool:
    definition = ecs._task_defs.get(ecs._resolve_td_key(task["taskDefinitionArn"])) or {}
    return any(
        container.get("healthCheck") and container.get("essential", True)
        for container in definition.get("containerDefinitions", [])
    )


def alarms_in_alarm(names: list[str], *, region: str) -> list[str]:
    """Those of the named alarms that are in ALARM now."""
    return [name for name, alarm in _alarms(names, region).items() if alarm["StateValue"] == "ALARM"]


def alarm_bake(names: list[str], *, region: str) -> float:
    """Seconds in which each alarm would have spoken about what a finished rolling update did.

    ECS "computes this time period based on the alarm configuration" and does not say how (developer guide,
    deployment-alarm-failure); here it is the longest period of evaluation.
    """
    spans = [0.0]
    for alarm in _alarms(names, region).values():
        periods = [alarm.get("Period")]
        for metric in alarm.get("Metrics") or []:
            periods += [metric.get("Period"), (metric.get("MetricStat") or {}).get("Period")]
        spans.append(max(float(each) for each in [*periods, 0] if each is not None) * alarm.get("EvaluationPeriods", 1))
    return max(spans)


def _alarms(names: list[str], region: str) -> dict[str, dict[str, Any]]:
    found = internal.client("cloudwatch", region).describe_alarms(
        AlarmNames=names, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    return {alarm["AlarmName"]: alarm for alarm in [*found["MetricAlarms"], *found["CompositeAlarms"]]}
