"""ECS's records of services, deployments and tasks, as MiniStack keeps them."""

from __future__ import annotations

import json
import threading
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import ecs

Record = dict[str, Any]

guard = threading.RLock()
"""Held while records change: calls and reports come from many threads."""

ENDED = "STOPPED"
_PENDING = ("PROVISIONING", "PENDING", "ACTIVATING")
_EVENTS_KEPT = 100


class UnknownRecordError(LookupError):
    """A report names a cluster, service, deployment or task that ECS does not have."""


def answer_of(response: Any) -> Record:
    """The body of an answer of MiniStack's."""
    body: Record = json.loads(response[2])
    return body


def find_service(cluster: str, service: str) -> Record:
    """A service by names or ARNs. Raises UnknownRecordError."""
    cluster_name = ecs._resolve_cluster_name(cluster)
    found = ecs._resolve_service_ref(service)
    record = ecs._services.get(f"{cluster_name}/{found[0]}") if found else None
    if record is None:
        raise UnknownRecordError(f"no service {service} in cluster {cluster}")
    result: Record = record
    return result


def find_deployment(service: Record, deployment_id: str) -> Record:
    """A deployment of a service by its id. Raises UnknownRecordError."""
    for deployment in service["deployments"]:
        if deployment["id"] == deployment_id:
            result: Record = deployment
            return result
    raise UnknownRecordError(f"service {service['serviceName']} has no deployment {deployment_id}")


def primary_deployment(service: Record) -> Record:
    """The deployment that a service is at or on its way to."""
    result: Record = next(each for each in service["deployments"] if each["status"] == "PRIMARY")
    return result


def is_completed(deployment: Record) -> bool:
    """Whether a deployment reached steady state."""
    return bool(deployment.get("rolloutState") == "COMPLETED")


def find_task(cluster: str, reference: str) -> Record:
    """A task by its ID or ARN. Raises UnknownRecordError."""
    task = ecs._resolve_task(reference, ecs._resolve_cluster_name(cluster))
    if task is None:
        raise UnknownRecordError(f"no task {reference} in cluster {cluster}")
    result: Record = task
    return result


def tasks_of(service: Record) -> list[Record]:
    """Every task of a service, stopped ones too."""
    return [
        task
        for task in list(ecs._tasks.values())
        if task.get("group") == f"service:{service['serviceName']}" and task["clusterArn"] == service["clusterArn"]
    ]


def ask_to_stop(task: Record, reason: str, code: str) -> None:
    """Say that a task is to stop; the task runner stops it."""
    if task["desiredStatus"] != ENDED:
        task |= {"desiredStatus": ENDED, "stoppedReason": reason, "stopCode": code, "stoppingAt": ecs._iso()}
        ecs._bump_task_version(task)


def refresh_service(cluster_name: str, group: str) -> None:
    """Derive a service's counts from its tasks, drop drained deployments, end its draining."""
    service = ecs._services.get(f"{cluster_name}/{group.removeprefix('service:')}")
    if service is None or not group.startswith("service:"):
        return
    live = [task for task in tasks_of(service) if task["lastStatus"] != ENDED]
    for holder, tasks in [
        (service, live),
        *((each, [t for t in live if t.get("_deployment_id") == each["id"]]) for each in service["deployments"]),
    ]:
        holder["runningCount"] = sum(task["lastStatus"] == "RUNNING" for task in tasks)
        holder["pendingCount"] = sum(task["lastStatus"] in _PENDING for task in tasks)
    if any(each["status"] == "PRIMARY" and is_completed(each) for each in service["deployments"]):
        used = {task.get("_deployment_id") for task in live}
        service["deployments"] = [d for d in service["deployments"] if d["status"] == "PRIMARY" or d["id"] in used]
    if service["status"] == "DRAINING" and not live:
        service["status"] = "INACTIVE"


def recount_cluster(cluster_name: str) -> None:
    """Derive a cluster's counts from its tasks and services."""
    cluster = ecs._clusters.get(cluster_name)
    if cluster is None:
        return
    tasks = [task for task in list(ecs._tasks.values()) if task["clusterArn"] == cluster["clusterArn"]]
    cluster["runningTasksCount"] = sum(task["lastStatus"] == "RUNNING" for task in tasks)
    cluster["pendingTasksCount"] = sum(task["lastStatus"] in _PENDING for task in tasks)
    cluster["activeServicesCount"] = sum(
        key.startswith(f"{cluster_name}/") and service["status"] == "ACTIVE"
        for key, service in list(ecs._services.items())
    )


def add_event_to(service: Record, message: str) -> None:
    """Put a message first in a service's events, unless it is there already."""
    if service["events"] and service["events"][0]["message"] == message:
        return
    service["events"].insert(0, {"id": new_uuid(), "createdAt": ecs._iso(), "message": message})
    del service["events"][_EVENTS_KEPT:]
