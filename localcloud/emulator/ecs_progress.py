"""What the task runner reports: tasks and deployments as they go on."""

from __future__ import annotations

import time

from ministack.core.responses import new_uuid
from ministack.services import ecs

from localcloud import layout
from localcloud.emulator import ecs_events
from localcloud.emulator import ecs_placement as placement
from localcloud.emulator.ecs_records import (
    ENDED,
    Record,
    UnknownRecordError,
    add_event_to,
    answer_of,
    find_deployment,
    find_service,
    find_task,
    guard,
    is_completed,
    recount_cluster,
    refresh_service,
    tasks_of,
)
from localcloud.emulator.service_deployments import rolling
from localcloud.emulator.services.ecs import run_task

_KEEP_STOPPED_SECONDS = 3600.0


def create_task(cluster: str, service: str, deployment_id: str, capacity_provider: str | None) -> str:
    """A task of a deployment in PROVISIONING; returns its ARN. Raises UnknownRecordError."""
    with guard:
        record = find_service(cluster, service)
        deployment = find_deployment(record, deployment_id)
        tags = list(ecs._tags.get(record["serviceArn"], [])) if record.get("propagateTags") == "SERVICE" else []
        request: Record = {
            "cluster": record["clusterArn"],
            "taskDefinition": deployment["taskDefinition"],
            "group": f"service:{record['serviceName']}",
            "startedBy": deployment_id,
            "_deploymentId": deployment_id,
            "networkConfiguration": placement.configuration(record, tasks_of(record)),
            "platformVersion": record.get("platformVersion") or "LATEST",
            "enableExecuteCommand": record.get("enableExecuteCommand", False),
            "tags": tags,
        }
        provider = capacity_provider or _first_provider(record)
        if provider:
            request["capacityProviderStrategy"] = [{"capacityProvider": provider, "weight": 1}]
        else:
            request["launchType"] = record.get("launchType") or "FARGATE"
        answer = answer_of(run_task(request))
        if not answer.get("tasks"):
            raise UnknownRecordError(str(answer.get("message", answer)))
        arn = str(answer["tasks"][0]["taskArn"])
        placement.note_zone(find_task(record["clusterArn"], arn))
        return arn


def report_task(cluster: str, report: Record) -> None:
    """Take over a task's reported state. Raises UnknownRecordError."""
    with guard:
        task = find_task(cluster, report["task_arn"])
        now = ecs._iso()
        before = task["lastStatus"]
        task["lastStatus"] = report["last_status"]
        task["healthStatus"] = report["health_status"]
        if report["last_status"] != before:
            ecs._bump_task_version(task)
        _take_containers(task, report)
        if report["last_status"] == "RUNNING":
            task["startedAt"] = task.get("startedAt") or now
            task["connectivity"] = "CONNECTED"
            _attach(task)
        if report["last_status"] == ENDED and before != ENDED:
            task["desiredStatus"] = ENDED
            task["stoppedAt"] = task["executionStoppedAt"] = now
            task["stoppingAt"] = task.get("stoppingAt") or now
            task["stopCode"] = report.get("stop_code") or task.get("stopCode") or "EssentialContainerExited"
            task["stoppedReason"] = report.get("stopped_reason") or task.get("stoppedReason") or ""
            if report.get("failed"):
                _count_failure(task)
        cluster_name = ecs._cluster_name_from_arn(task["clusterArn"])
        refresh_service(cluster_name, task.get("group", ""))
        recount_cluster(cluster_name)
        _forget_old_tasks()
        if report["last_status"] != before:
            ecs_events.task_changed(task)


def complete_deployment(cluster: str, service: str, deployment_id: str) -> None:
    """A deployment reached steady state. Raises UnknownRecordError."""
    with guard:
        record = find_service(cluster, service)
        deployment = find_deployment(record, deployment_id)
        if not rolling.reached_steady_state(record, deployment):
            return
        if deployment.get("rolloutState") != "COMPLETED":
            deployment["rolloutState"] = "COMPLETED"
            deployment["rolloutStateReason"] = f"ECS deployment {deployment_id} completed."
            deployment["updatedAt"] = ecs._iso()
            add_event_to(record, f"(service {record['serviceName']}) has reached a steady state.")
        refresh_service(ecs._cluster_name_from_arn(record["clusterArn"]), f"service:{record['serviceName']}")


def fail_deployment(
    cluster: str, service: str, deployment_id: str, reason: str, *, roll_back: bool | None = None
) -> None:
    """A deployment failed. To roll back, the last completed one takes its place again.

    Whether to is the circuit breaker's configuration, unless whoever calls says it. Raises UnknownRecordError.
    """
    with guard:
        record = find_service(cluster, service)
        deployment = find_deployment(record, deployment_id)
        if deployment.get("rolloutState") == "FAILED":
            return
        deployment |= {
            "rolloutState": "FAILED",
            "rolloutStateReason": reason,
            "desiredCount": 0,
            "updatedAt": ecs._iso(),
        }
        name = record["serviceName"]
        add_event_to(record, f"(service {name}) (deployment {deployment_id}) deployment failed: {reason}")
        breaker = (record.get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker") or {}
        wished = bool(breaker.get("rollback")) if roll_back is None else roll_back
        earlier = next((d for d in record["deployments"] if d is not deployment and is_completed(d)), None)
        rolls_back = bool(wished and earlier and deployment["status"] == "PRIMARY")
        rolling.failed(record, deployment, reason, rolls_back=rolls_back)
        if rolls_back and earlier:
            _bring_back(record, deployment, earlier)


def _bring_back(service: Record, failed: Record, earlier: Record) -> None:
    failed["status"] = "ACTIVE"
    earlier |= {
        "status": "PRIMARY",
        "desiredCount": service["desiredCount"],
        "rolloutState": "IN_PROGRESS",
        "rolloutStateReason": f"Rolling back to this deployment, as {failed['id']} failed.",
        "updatedAt": ecs._iso(),
    }
    service["taskDefinition"] = earlier["taskDefinition"]
    service["deployments"].sort(key=lambda each: each["status"] != "PRIMARY")
    add_event_to(service, f"(service {service['serviceName']}) rolling back to deployment {earlier['id']}.")


def add_event(cluster: str, service: str, message: str) -> None:
    """A message for people in the service's events."""
    with guard:
        add_event_to(find_service(cluster, service), message)


def _first_provider(service: Record) -> str | None:
    strategy = service.get("capacityProviderStrategy") or []
    ordered = sorted(strategy, key=lambda item: -int(item.get("base", 0)))
    return str(ordered[0]["capacityProvider"]) if ordered else None


def _take_containers(task: Record, report: Record) -> None:
    known = {container["name"]: container for container in task["containers"]}
    for reported in report.get("containers", []):
        container = known.get(reported["name"])
        if container is None:
            raise UnknownRecordError(f"task {task['taskArn']} has no container {reported['name']}")
        container["lastStatus"] = reported["last_status"]
        container["healthStatus"] = reported["health_status"]
        for source, name in (("exit_code", "exitCode"), ("reason", "reason"), ("runtime_id", "runtimeId")):
            if reported.get(source) is not None:
                container[name] = reported[source]
        container["networkBindings"] = [
            {
                "bindIP": layout.LOOPBACK,
                "containerPort": int(place.rsplit(":", 1)[1]),
                "hostPort": port,
                "protocol": "tcp",
            }
            for place, port in (report.get("host_ports") or {}).items()
            if place.rsplit(":", 1)[0] == reported["name"]
        ] or container.get("networkBindings", [])


def _attach(task: Record) -> None:
    """The network interface of an awsvpc task; its address is this machine's loopback."""
    if task.get("attachments"):
        return
    details = [{"name": "privateIPv4Address", "value": layout.LOOPBACK}]
    if task.get("_subnet"):
        details.insert(0, {"name": "subnetId", "value": task["_subnet"]})
    task["attachments"] = [
        {"id": new_uuid(), "type": "ElasticNetworkInterface", "status": "ATTACHED", "details": details}
    ]


def _count_failure(task: Record) -> None:
    for service in ecs._services.values():
        for deployment in service["deployments"]:
            if deployment["id"] == task.get("_deployment_id"):
                deployment["failedTasks"] = int(deployment.get("failedTasks", 0)) + 1


def _forget_old_tasks() -> None:
    limit = time.time() - _KEEP_STOPPED_SECONDS
    for arn, task in list(ecs._tasks.items()):
        if task["lastStatus"] == ENDED and ecs._ts_to_epoch(task.get("stoppedAt") or "2000-01-01") < limit:
            del ecs._tasks[arn]
