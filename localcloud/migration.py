"""Runs the deployed migration task once, as an operator would on AWS: `ecs run-task`, wait, look at the exit code."""

from __future__ import annotations

import time
from typing import Any

from localcloud import aws, layout, outputs
from localcloud.console import LocalCloudError

PATIENCE = 180
"""Seconds the migration may take."""


def run() -> None:
    """Run the migration task to its end. Raises LocalCloudError with its reason or its last words when it fails."""
    cluster = outputs.find("ClusterName")
    ecs = aws.client("ecs", cluster.region)
    started = ecs.run_task(
        cluster=cluster.value,
        taskDefinition=outputs.value("MigrationTaskDefinition"),
        launchType="FARGATE",
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": outputs.value("MigrationSubnets").split(","),
                "securityGroups": [outputs.value("MigrationSecurityGroup")],
            }
        },
    )
    if started["failures"]:
        raise LocalCloudError(f"the migration task was not placed: {started['failures']}")
    arn = started["tasks"][0]["taskArn"]
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        task = ecs.describe_tasks(cluster=cluster.value, tasks=[arn])["tasks"][0]
        if task["lastStatus"] == "STOPPED":
            return _judge(task)
        time.sleep(0.5)
    raise LocalCloudError(f"the migration did not end within {PATIENCE} s", remedy=_logs())


def _judge(task: dict[str, Any]) -> None:
    codes = {container["name"]: container.get("exitCode") for container in task["containers"]}
    if any(code != 0 for code in codes.values()):
        reason = task.get("stoppedReason", "no reason given")
        raise LocalCloudError(f"the migration task failed ({reason}); exit codes {codes}", remedy=_logs())


def _logs() -> str:
    return f"read its log below {layout.home() / 'logs' / 'tasks'}"
