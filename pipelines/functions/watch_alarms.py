"""Counts the red alarms of another account and publishes the number here, where a pipeline's condition can see it.

An alarm that does not exist counts as red. Whatever goes wrong publishes nothing, which the alarm on the number takes
for red as well.
"""

import json
import os
from typing import Any

import boto3


def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    names = json.loads(os.environ["ALARMS"])
    answer = _cloudwatch_of_stage().describe_alarms(AlarmNames=names, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    states = {alarm["AlarmName"]: alarm["StateValue"] for alarm in answer["MetricAlarms"] + answer["CompositeAlarms"]}
    red = [name for name in names if states.get(name, "ALARM") == "ALARM"]
    boto3.client("cloudwatch").put_metric_data(
        Namespace=os.environ["NAMESPACE"],
        MetricData=[{"MetricName": os.environ["METRIC"], "Value": len(red), "Unit": "Count"}],
    )
    return {"red": red, "missing": [name for name in names if name not in states]}


def _cloudwatch_of_stage() -> Any:
    session = boto3.client("sts").assume_role(RoleArn=os.environ["ROLE_ARN"], RoleSessionName="watch-alarms")
    keys = session["Credentials"]
    return boto3.client(
        "cloudwatch",
        region_name=os.environ["STAGE_REGION"],
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
