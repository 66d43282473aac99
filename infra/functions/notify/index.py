"""Tells people about alarms: what is wrong, since when, why probably, and where to look.

SNS calls it for each message on the topics of the three severities. What is no alarm (a budget, a cost anomaly) is
passed on under a heading. Raises when no way to people worked, so that Lambda tries again, and in the end hands the
message as it came to the readers of P0.
"""

from __future__ import annotations

import json
import os
from typing import Any

import boto3

from . import delivery, message


def handler(event: dict[str, Any], _context: object) -> None:
    topics = json.loads(os.environ["TOPICS"])
    for record in event["Records"]:
        told = record["Sns"]
        topic = topics[told["TopicArn"]]
        alarm = message.parse(told["Message"])
        if alarm is None:
            told_on = message.passed_on(told.get("Subject") or "", told["Message"], severity=topic["severity"])
        else:
            told_on = message.about(alarm, severity=topic["severity"], around=_around(alarm))
        delivery.deliver(told_on, topic=topic["messages"])


def _around(alarm: message.Alarm) -> message.Around:
    """What else is red, and what was deployed; a message without them is better than none."""
    return message.Around(
        prefix=os.environ["PREFIX"],
        log_groups=json.loads(os.environ["LOG_GROUPS"]),
        red=_or_nothing(_red_alarms) or [] if alarm.red else [],
        deployments=_or_nothing(_deployments) or [] if alarm.red else [],
    )


def _or_nothing(ask: Any) -> Any:
    try:
        return ask()
    except Exception as error:  # noqa: BLE001
        print(json.dumps({"level": "warning", "event": f"{ask.__name__} failed", "error": str(error)}))
        return None


def _red_alarms() -> list[str]:
    client = boto3.client("cloudwatch")
    pages = client.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=os.environ["PREFIX"], StateValue="ALARM", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    return [
        alarm["AlarmName"]
        for page in pages
        for kind in ("CompositeAlarms", "MetricAlarms")
        for alarm in page.get(kind, [])
        # Those of scaling policies are red whenever there is little to do, and for nobody to read.
        if "runbook: " in alarm.get("AlarmDescription", "")
    ]


def _deployments() -> list[message.Deployment]:
    services = [name for name in os.environ["SERVICES"].split(",") if name]
    found = boto3.client("ecs").describe_services(cluster=os.environ["CLUSTER"], services=services)["services"]
    return [
        message.Deployment(
            service=service["serviceName"], started=deployment["createdAt"], state=deployment.get("rolloutState", "")
        )
        for service in found
        for deployment in service.get("deployments", [])
        if deployment.get("status") == "PRIMARY"
    ]
