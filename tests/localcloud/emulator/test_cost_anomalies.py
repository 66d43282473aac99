"""Monitors and subscriptions of cost anomaly detection: what was asked for is what is shown."""

from __future__ import annotations

import json
from typing import Any

from .support import Deploy, Emulator


def _resources(*, dollars: str, name: str = "by-tag") -> dict[str, Any]:
    return {
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Monitor": {
            "Type": "AWS::CE::AnomalyMonitor",
            "Properties": {
                "MonitorName": name,
                "MonitorType": "CUSTOM",
                "MonitorSpecification": json.dumps({"Tags": {"Key": "Environment", "Values": ["dev"]}}),
                "ResourceTags": [{"Key": "Environment", "Value": "dev"}],
            },
        },
        "Subscription": {
            "Type": "AWS::CE::AnomalySubscription",
            "Properties": {
                "SubscriptionName": name,
                "Frequency": "IMMEDIATE",
                "MonitorArnList": [{"Ref": "Monitor"}],
                "Subscribers": [{"Type": "SNS", "Address": {"Ref": "Topic"}}],
                "ThresholdExpression": json.dumps(
                    {"Dimensions": {"Key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE", "Values": [dollars]}}
                ),
            },
        },
    }


_OUTPUTS = {name: {"Ref": name} for name in ("Topic", "Monitor", "Subscription")}


def test_a_monitor_and_who_is_told(emulator: Emulator, deploy: Deploy) -> None:
    ce = emulator.client("ce")
    made = deploy("anomalies", _resources(dollars="50"), _OUTPUTS)
    monitor = ce.get_anomaly_monitors(MonitorArnList=[made["Monitor"]])["AnomalyMonitors"][0]
    assert monitor["MonitorSpecification"] == {"Tags": {"Key": "Environment", "Values": ["dev"]}}
    assert ce.list_tags_for_resource(ResourceArn=made["Monitor"])["ResourceTags"] == [
        {"Key": "Environment", "Value": "dev"}
    ]
    told = ce.get_anomaly_subscriptions(SubscriptionArnList=[made["Subscription"]])["AnomalySubscriptions"][0]
    assert told["MonitorArnList"] == [made["Monitor"]]
    assert told["Subscribers"][0]["Address"] == made["Topic"]
    changed = deploy("anomalies", _resources(dollars="80", name="renamed"), _OUTPUTS)
    assert changed["Monitor"] == made["Monitor"]
    assert ce.get_anomaly_monitors()["AnomalyMonitors"][0]["MonitorName"] == "renamed"
    told = ce.get_anomaly_subscriptions()["AnomalySubscriptions"][0]
    assert told["ThresholdExpression"]["Dimensions"]["Values"] == ["80"]
    emulator.client("cloudformation").delete_stack(StackName="anomalies")
    assert ce.get_anomaly_monitors()["AnomalyMonitors"] == []
