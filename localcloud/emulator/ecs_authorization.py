"""Which resource a call of ECS is about, and in which cluster, as IAM policies name them.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import ecs

Call = Mapping[str, Any]


def operation(headers: Mapping[str, Any]) -> str:
    return str(headers.get("x-amz-target", "")).rsplit(".", 1)[-1]


def resource(name: str, body: bytes, *, prefix: str) -> str | None:
    """The ARN that the operation `name` is checked against; None where it is the cluster's or has none.

    `prefix` is what ECS's ARNs in the region begin with, up to the last colon.
    """
    find = _RESOURCES.get(name)
    call = _call(body)
    return find(call, prefix) if find and call else None


def cluster_arn(body: bytes, *, prefix: str) -> str | None:
    """The value of the condition key ecs:cluster."""
    call = _call(body)
    if not call or not isinstance(call.get("cluster"), str):
        return None
    return f"{prefix}cluster/{_cluster(call)}"


def _call(body: bytes) -> Call:
    if body[:1] != b"{":
        return {}
    call: Call = json.loads(body)
    return call


def _cluster(call: Call) -> str:
    return str(call.get("cluster") or "default").rsplit("/", 1)[-1]


def _first(call: Call, member: str) -> str:
    value = call.get(member)
    return str((value[0] if value else "") if isinstance(value, list) else (value or ""))


def _within_cluster(kind: str, member: str) -> Callable[[Call, str], str | None]:
    def find(call: Call, prefix: str) -> str | None:
        given = _first(call, member)
        return given if given.startswith("arn:") or not given else f"{prefix}{kind}/{_cluster(call)}/{given}"

    return find


def _arn_in(member: str) -> Callable[[Call, str], str | None]:
    return lambda call, _: _first(call, member) or None


def _task_definition(call: Call, _: str) -> str | None:
    record = ecs._task_defs.get(ecs._resolve_td_key(_first(call, "taskDefinition")))
    return str(record["taskDefinitionArn"]) if record else None


_RESOURCES: dict[str, Callable[[Call, str], str | None]] = {
    "RunTask": _task_definition,
    "DescribeTasks": _within_cluster("task", "tasks"),
    "StopTask": _within_cluster("task", "task"),
    "GetTaskProtection": _within_cluster("task", "tasks"),
    "UpdateTaskProtection": _within_cluster("task", "tasks"),
    "CreateService": _within_cluster("service", "serviceName"),
    "DescribeServices": _within_cluster("service", "services"),
    "UpdateService": _within_cluster("service", "service"),
    "DeleteService": _within_cluster("service", "service"),
    "ListServiceDeployments": _within_cluster("service", "service"),
    "DescribeServiceDeployments": _arn_in("serviceDeploymentArns"),
    "StopServiceDeployment": _arn_in("serviceDeploymentArn"),
    "DescribeServiceRevisions": _arn_in("serviceRevisionArns"),
}
