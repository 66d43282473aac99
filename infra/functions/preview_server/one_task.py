"""Runs one task to its end: migrations and seeds are the application's own, and need the application."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from .custom_resource import RefusedError

PATIENCE = 780
"""Seconds; Lambda ends the function itself after 900, and then says nothing."""

_LOOK_AGAIN = 0.5
_LAST_LINES = 6


def run(definition: str, *, token: str, variables: Mapping[str, str]) -> None:
    """Start the task definition's only container with these variables over its own, and wait.

    `token` makes a second call find the first one's task. Raises RefusedError with the container's last words.
    """
    ecs, cluster = boto3.client("ecs"), os.environ["CLUSTER"]
    described = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]
    container = described["containerDefinitions"][0]
    overrides = [{"name": name, "value": value} for name, value in variables.items()]
    started = ecs.run_task(
        cluster=cluster,
        taskDefinition=definition,
        launchType="FARGATE",
        startedBy="preview",
        clientToken=token,
        overrides={"containerOverrides": [{"name": container["name"], "environment": overrides}]},
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": os.environ["SUBNETS"].split(","),
                "securityGroups": [os.environ["TASK_SECURITY_GROUP"]],
                "assignPublicIp": "DISABLED",
            }
        },
    )
    if started["failures"]:
        raise RefusedError(f"{container['name']}: the task was not placed: {started['failures'][0].get('reason')}")
    arn = started["tasks"][0]["taskArn"]
    deadline = time.monotonic() + PATIENCE
    while True:
        task = ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0]
        if task["lastStatus"] == "STOPPED":
            break
        if time.monotonic() > deadline:
            ecs.stop_task(cluster=cluster, task=arn, reason="It takes too long")
            raise RefusedError(f"{container['name']} did not end within {PATIENCE} s")
        time.sleep(_LOOK_AGAIN)
    code = task["containers"][0].get("exitCode")
    if code != 0:
        why = f"exit code {code}" if code is not None else task.get("stoppedReason", "no reason given")
        raise RefusedError(f"{container['name']} failed ({why}){_last_words(container, arn)}")


def _last_words(container: Mapping[str, Any], task: str) -> str:
    """The end of the container's log, where it can be had."""
    name = container["name"]
    try:
        events = boto3.client("logs").get_log_events(
            logGroupName=container["logConfiguration"]["options"]["awslogs-group"],
            logStreamName=f"{name}/{name}/{task.rsplit('/', 1)[-1]}",
            limit=_LAST_LINES,
            startFromHead=False,
        )["events"]
    except ClientError as error:
        return f"; its log cannot be read: {error.response['Error']['Code']}"
    return "".join(f"\n  {event['message'].strip()}" for event in events)
