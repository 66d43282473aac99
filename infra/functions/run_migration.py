"""Lifecycle hook PRE_SCALE_UP: runs the migration task of a new release once, and says how it ended.

ECS calls a hook with, and expects back (Amazon ECS Developer Guide, "Lambda hooks for Amazon ECS service deployments",
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html):

    {"executionId": "e8d5a28f-...", "lifecycleStage": "PRE_SCALE_UP",
     "resourceArn": "arn:...:service-deployment/CLUSTER/SERVICE/ID",
     "executionDetails": {"serviceArn": "arn:...:service/CLUSTER/SERVICE",
                          "targetServiceRevisionArn": "arn:...:service-revision/CLUSTER/SERVICE/NUMBER",
                          "testTrafficWeights": {}, "productionTrafficWeights": {}},
     "hookDetails": {...}}      what the service's definition says, and what the last call gave back; may be missing

    {"hookStatus": "SUCCEEDED" | "FAILED" | "IN_PROGRESS",
     "callBackDelay": 5,        with IN_PROGRESS: seconds until the next call, 30 by default
     "hookDetails": {...}}      with IN_PROGRESS: merged into the next call's

Without a valid hookStatus, or when the function fails, the deployment goes back.

Which task is run is said by the new service revision's own task definition, in a label of its containers, and by
nothing that a later release could have changed. It is started with the revision's number as client token: a second call
gets the same task. ECS calls no PRE_SCALE_UP while it goes back, and a rollback of the stack is a deployment of the
older release, whose migrations have all been applied: Django finds nothing to do.
"""

import json
import os
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

CALL_BACK_SECONDS = 5


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    revision = event["executionDetails"]["targetServiceRevisionArn"]
    answer: dict[str, Any]
    try:
        answer = run(boto3.client("ecs"), revision, task=(event.get("hookDetails") or {}).get("task"))
    except (ClientError, LookupError) as error:
        answer = {"hookStatus": "FAILED", "reason": f"{type(error).__name__}: {error}"}
    print(json.dumps({"hook": "migration", "revision": revision, **answer}))
    return answer


def run(ecs: Any, revision: str, *, task: str | None) -> dict[str, Any]:
    """Start the task, or look at the one that was started. Raises LookupError, ClientError."""
    cluster, number = revision.split("/")[1], revision.split("/")[-1]
    if task is None:
        definition = migration_of(ecs, revision)
        if definition is None:
            return {"hookStatus": "SUCCEEDED", "reason": "this release names no migration"}
        task = start(ecs, definition, cluster=cluster, token=number)
    return judge(ecs, task, cluster=cluster)


def migration_of(ecs: Any, revision: str) -> str | None:
    """The ARN of the release's migration task definition."""
    found = ecs.describe_service_revisions(serviceRevisionArns=[revision])["serviceRevisions"]
    if not found:
        raise LookupError(f"no service revision {revision}")
    task_definition = ecs.describe_task_definition(taskDefinition=found[0]["taskDefinition"])["taskDefinition"]
    for container in task_definition["containerDefinitions"]:
        named: str | None = container.get("dockerLabels", {}).get(os.environ["MIGRATION_LABEL"])
        if named:
            return named
    return None


def start(ecs: Any, definition: str, *, cluster: str, token: str) -> str:
    network = {
        "subnets": os.environ["SUBNETS"].split(","),
        "securityGroups": [os.environ["SECURITY_GROUP"]],
        "assignPublicIp": "DISABLED",
    }
    started = ecs.run_task(
        cluster=cluster,
        taskDefinition=definition,
        launchType="FARGATE",
        startedBy=f"rollout/{token}",
        clientToken=token,
        networkConfiguration={"awsvpcConfiguration": network},
    )
    if started["failures"]:
        raise LookupError(f"{definition} was not placed: {started['failures']}")
    return str(started["tasks"][0]["taskArn"])


def judge(ecs: Any, arn: str, *, cluster: str) -> dict[str, Any]:
    found = ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"]
    if not found:
        raise LookupError(f"ECS has forgotten {arn}")
    task = found[0]
    said = {"task": arn, "log": log_of(task)}
    if task["lastStatus"] == "STOPPED":
        codes = {container["name"]: container.get("exitCode") for container in task["containers"]}
        if all(code == 0 for code in codes.values()):
            return {"hookStatus": "SUCCEEDED", **said}
        because = f"exit codes {codes}, {task.get('stoppedReason', 'no reason given')}"
        return {"hookStatus": "FAILED", "reason": because, **said}
    seconds = (datetime.now(UTC) - task["createdAt"]).total_seconds()
    if seconds > float(os.environ["DEADLINE_SECONDS"]):
        because = f"not done after {seconds:.0f} s"
        ecs.stop_task(cluster=cluster, task=arn, reason=f"The migration is {because}")
        return {"hookStatus": "FAILED", "reason": because, **said}
    return {"hookStatus": "IN_PROGRESS", "callBackDelay": CALL_BACK_SECONDS, "hookDetails": said}


def log_of(task: dict[str, Any]) -> str:
    """Log group and stream of the task's (only) container: awslogs names streams prefix/container/task."""
    name = task["containers"][0]["name"]
    return f"{os.environ['LOG_GROUP']} {name}/{name}/{task['taskArn'].split('/')[-1]}"
