"""Alarms that scale services, and what an emulator remembers of it."""

from __future__ import annotations

import json
import signal
import time
from typing import Any

import pytest

from .support import Emulator
from .watching import eventually, put, put_alarm

pytestmark = pytest.mark.localcloud


def scaled_service(ecs: Any, scaling: Any, *, most: int) -> dict[str, str]:
    """A service of two tasks that may have `most`; what names it to Application Auto Scaling."""
    ecs.create_cluster(clusterName="scaled")
    ecs.register_task_definition(
        family="scaled", containerDefinitions=[{"name": "web", "image": "web", "memory": 64, "essential": True}]
    )
    ecs.create_service(cluster="scaled", serviceName="web", taskDefinition="scaled", desiredCount=2)
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/scaled/web",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling.register_scalable_target(**target, MinCapacity=2, MaxCapacity=most)
    return target


def test_an_alarm_scales_a_service_by_the_step_that_its_values_select(emulator: Emulator, watch: Any) -> None:
    ecs, scaling = emulator.client("ecs"), emulator.client("application-autoscaling")
    target = scaled_service(ecs, scaling, most=5)
    policy = scaling.put_scaling_policy(
        **target,
        PolicyName="out",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "Cooldown": 60,
            "StepAdjustments": [
                {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 15, "ScalingAdjustment": 1},
                {"MetricIntervalLowerBound": 15, "ScalingAdjustment": 2},
            ],
        },
    )["PolicyARN"]

    def desired() -> int:
        return int(ecs.describe_services(cluster="scaled", services=["web"])["services"][0]["desiredCount"])

    put(watch, 90, metric="Load")
    members = {"MetricName": "Load", "Threshold": 70, "ComparisonOperator": "GreaterThanOrEqualToThreshold"}
    put_alarm(watch, "load", **members, AlarmActions=[policy])
    eventually(lambda: desired() == 4)
    [activity] = scaling.describe_scaling_activities(**target)["ScalingActivities"]
    assert activity["Description"] == "Setting desired count to 4."
    assert activity["Cause"] == "monitor alarm load in state ALARM triggered policy out"
    put_alarm(watch, "by-hand", **members, AlarmActions=[policy])
    reason = {"recentDatapoints": [200.0], "threshold": 70.0}
    watch.set_alarm_state(
        AlarmName="by-hand", StateValue="ALARM", StateReason="drill", StateReasonData=json.dumps(reason)
    )
    [item] = eventually(
        lambda: watch.describe_alarm_history(AlarmName="by-hand", HistoryItemType="Action")["AlarmHistoryItems"]
    )
    assert item["HistorySummary"] == f"Successfully executed action {policy}"
    assert desired() == 4, "within the cooldown, what was added counts"
    scaling.deregister_scalable_target(**target)
    ecs.delete_service(cluster="scaled", service="web", force=True)
    ecs.delete_cluster(cluster="scaled")


def test_a_cooldown_goes_on_in_an_emulator_that_was_killed(own_emulator: Emulator) -> None:
    ecs, scaling = own_emulator.client("ecs"), own_emulator.client("application-autoscaling")
    target = scaled_service(ecs, scaling, most=9)
    policy = scaling.put_scaling_policy(
        **target,
        PolicyName="out",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "Cooldown": 300,
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 2}],
        },
    )["PolicyARN"]

    def invoke() -> int:
        """The desired count after an alarm has invoked the policy."""
        watch = own_emulator.client("cloudwatch")
        members = {"Namespace": "Test", "MetricName": "Load", "Statistic": "Sum", "Period": 60}
        name = f"load-{time.monotonic_ns()}"
        watch.put_metric_alarm(
            AlarmName=name, EvaluationPeriods=1, Threshold=70, ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="ignore", AlarmActions=[policy], **members,
        )  # fmt: skip
        data = json.dumps({"recentDatapoints": [90.0], "threshold": 70.0})
        watch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test", StateReasonData=data)
        eventually(lambda: watch.describe_alarm_history(AlarmName=name, HistoryItemType="Action")["AlarmHistoryItems"])
        time.sleep(1)  # actions of one moment are carried out together, after they were noted
        found = own_emulator.client("ecs").describe_services(cluster="scaled", services=["web"])["services"]
        return int(found[0]["desiredCount"])

    assert invoke() == 4
    time.sleep(3)  # what changed is written every two seconds
    own_emulator.stop(signal.SIGKILL)
    own_emulator.start()
    assert invoke() == 4, "within the cooldown, what was added counts"
