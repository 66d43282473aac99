"""Protection from scale-in: tasks ask for it at their host, ECS keeps it, the scheduler heeds it.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import aws
from localcloud.runner.task import Task

DEFAULT_MINUTES = 120
"""When a task does not say for how long (ECS: UpdateTaskProtection, expiresInMinutes)."""


class UnreadableRequestError(ValueError):
    """The body of a request to the endpoint is not what the agent takes."""


def protected(tasks: Iterable[Task], *, region: str) -> frozenset[str]:
    """ARNs of the protected ones among tasks of one cluster."""
    by_arn = {task.identity.arn: task for task in tasks}
    if not by_arn:
        return frozenset()
    cluster = next(iter(by_arn.values())).identity.cluster
    answer = aws.client("ecs", region).get_task_protection(cluster=cluster, tasks=list(by_arn))
    return frozenset(each["taskArn"] for each in answer["protectedTasks"] if each["protectionEnabled"])


def state(task: Task) -> tuple[int, dict[str, Any]]:
    """The agent's answer to GET: HTTP status and body."""
    return _ask(task, "get_task_protection", {})


def change(task: Task, wanted: Any) -> tuple[int, dict[str, Any]]:
    """The agent's answer to PUT. Raises UnreadableRequestError."""
    if not isinstance(wanted, dict) or not isinstance(wanted.get("ProtectionEnabled"), bool):
        raise UnreadableRequestError("the body must be a JSON object with ProtectionEnabled true or false")
    minutes = wanted.get("ExpiresInMinutes", DEFAULT_MINUTES)
    if not isinstance(minutes, int) or not 1 <= minutes <= 2880:
        raise UnreadableRequestError("ExpiresInMinutes must be a whole number from 1 to 2880")
    request: dict[str, Any] = {"protectionEnabled": wanted["ProtectionEnabled"]}
    if wanted["ProtectionEnabled"]:
        request["expiresInMinutes"] = minutes
    return _ask(task, "update_task_protection", request)


def _ask(task: Task, call: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """With the task role's own rights, as the agent does: a role without them is refused."""
    identity, role = task.identity, task.definition.task_role
    if not role:
        return 400, _error(identity.arn, "AccessDeniedException", "the task definition has no task role")
    try:
        client = task.surroundings.roles.client("ecs", role, name=identity.id, region=identity.region)
        answer = getattr(client, call)(cluster=identity.cluster, tasks=[identity.arn], **request)
    except ClientError as error:
        return 400, _error(identity.arn, error.response["Error"]["Code"], error.response["Error"]["Message"])
    except BotoCoreError as error:
        return 500, _error(identity.arn, "ServerException", str(error))
    if answer["failures"]:
        failure = answer["failures"][0]
        return 200, {"failure": {"Arn": identity.arn, "Reason": failure.get("reason", "")}}
    seen = answer["protectedTasks"][0]
    shown = {"ProtectionEnabled": seen["protectionEnabled"], "TaskArn": seen["taskArn"]}
    if seen.get("expirationDate"):
        shown["ExpirationDate"] = seen["expirationDate"].strftime("%Y-%m-%dT%H:%M:%SZ")
    return 200, {"protection": shown}


def _error(arn: str, code: str, message: str) -> dict[str, Any]:
    return {"error": {"Arn": arn, "Code": code, "Message": message}}
