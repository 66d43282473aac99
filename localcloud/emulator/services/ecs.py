"""ECS as a control plane: it records what is wanted and what the task runner reports, and never pretends."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import ecs

from localcloud import layout
from localcloud.emulator.corrections import replace

Record = dict[str, Any]

_guard = threading.RLock()
_ENDED = "STOPPED"
_PENDING = ("PROVISIONING", "PENDING", "ACTIVATING")
_KEEP_STOPPED_SECONDS = 3600.0
_EVENTS_KEPT = 100
# What makes UpdateService start a deployment (API reference of UpdateService, "forceNewDeployment" aside).
_DEPLOYING = ("networkConfiguration", "capacityProviderStrategy", "platformVersion", "loadBalancers",
              "enableExecuteCommand", "volumeConfigurations", "serviceConnectConfiguration", "propagateTags",
              "enableECSManagedTags")  # fmt: skip


class UnknownRecordError(LookupError):
    """A report names a cluster, service, deployment or task that ECS does not have."""


def install() -> None:
    # Upstream reports tasks RUNNING that nothing runs, and completes deployments by itself.
    replace(ecs, "_get_docker", lambda: None)
    replace(ecs, "_reconcile_service_tasks", lambda *_: None)
    replace(ecs, "_schedule_service_deployment_completion", lambda *_, **__: None)
    replace(ecs, "_record_service_task_failure", lambda *_, **__: None)
    replace(ecs, "_refresh_service_state", _refresh_service)
    replace(ecs, "_recount_cluster", _recount_cluster)
    ecs._ACTION_MAP |= {
        "RegisterTaskDefinition": _locked(_register_task_definition),
        "CreateService": _locked(_create_service),
        "UpdateService": _locked(_update_service),
        "DeleteService": _locked(_delete_service),
        "RunTask": _locked(_run_task),
        "StopTask": _locked(_stop_task),
        "UpdateTaskProtection": _locked(_update_task_protection),
        "GetTaskProtection": _locked(_get_task_protection),
    }
    # Upstream takes every task for stopped after a restart; ours live in the runner, not in this process.
    replace(ecs, "load_persisted_state", _load)


# What the runner reports -----------------------------------------------------------------------------------------


def create_task(cluster: str, service: str, deployment_id: str, capacity_provider: str | None) -> str:
    """A task of a deployment in PROVISIONING; returns its ARN. Raises UnknownRecordError."""
    with _guard:
        record = _service(cluster, service)
        deployment = _deployment(record, deployment_id)
        tags = list(ecs._tags.get(record["serviceArn"], [])) if record.get("propagateTags") == "SERVICE" else []
        request: Record = {
            "cluster": record["clusterArn"],
            "taskDefinition": deployment["taskDefinition"],
            "group": f"service:{record['serviceName']}",
            "startedBy": deployment_id,
            "_deploymentId": deployment_id,
            "networkConfiguration": record.get("networkConfiguration") or {},
            "platformVersion": record.get("platformVersion") or "LATEST",
            "enableExecuteCommand": record.get("enableExecuteCommand", False),
            "tags": tags,
        }
        provider = capacity_provider or _first_provider(record)
        if provider:
            request["capacityProviderStrategy"] = [{"capacityProvider": provider, "weight": 1}]
        else:
            request["launchType"] = record.get("launchType") or "FARGATE"
        answer = _answer(_run_task(request))
        if not answer.get("tasks"):
            raise UnknownRecordError(str(answer.get("message", answer)))
        return str(answer["tasks"][0]["taskArn"])


def report_task(cluster: str, report: Record) -> None:
    """Take over a task's reported state. Raises UnknownRecordError."""
    with _guard:
        task = _task(cluster, report["task_arn"])
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
        if report["last_status"] == _ENDED and before != _ENDED:
            task["desiredStatus"] = _ENDED
            task["stoppedAt"] = task["executionStoppedAt"] = now
            task["stoppingAt"] = task.get("stoppingAt") or now
            task["stopCode"] = report.get("stop_code") or task.get("stopCode") or "EssentialContainerExited"
            task["stoppedReason"] = report.get("stopped_reason") or task.get("stoppedReason") or ""
            if report.get("failed"):
                _count_failure(task)
        cluster_name = ecs._cluster_name_from_arn(task["clusterArn"])
        _refresh_service(cluster_name, task.get("group", ""))
        _recount_cluster(cluster_name)
        _forget_old_tasks()


def complete_deployment(cluster: str, service: str, deployment_id: str) -> None:
    """A deployment reached steady state. Raises UnknownRecordError."""
    with _guard:
        record = _service(cluster, service)
        deployment = _deployment(record, deployment_id)
        if deployment.get("rolloutState") != "COMPLETED":
            deployment["rolloutState"] = "COMPLETED"
            deployment["rolloutStateReason"] = f"ECS deployment {deployment_id} completed."
            deployment["updatedAt"] = ecs._iso()
            _event(record, f"(service {record['serviceName']}) has reached a steady state.")
        _refresh_service(ecs._cluster_name_from_arn(record["clusterArn"]), f"service:{record['serviceName']}")


def fail_deployment(cluster: str, service: str, deployment_id: str, reason: str) -> None:
    """A deployment failed; with the circuit breaker's rollback the last completed one takes its place again."""
    with _guard:
        record = _service(cluster, service)
        deployment = _deployment(record, deployment_id)
        if deployment.get("rolloutState") == "FAILED":
            return
        deployment |= {
            "rolloutState": "FAILED",
            "rolloutStateReason": reason,
            "desiredCount": 0,
            "updatedAt": ecs._iso(),
        }
        name = record["serviceName"]
        _event(record, f"(service {name}) (deployment {deployment_id}) deployment failed: {reason}")
        breaker = (record.get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker") or {}
        earlier = next((d for d in record["deployments"] if d is not deployment and _completed(d)), None)
        if breaker.get("rollback") and earlier and deployment["status"] == "PRIMARY":
            deployment["status"] = "ACTIVE"
            earlier |= {
                "status": "PRIMARY",
                "desiredCount": record["desiredCount"],
                "rolloutState": "IN_PROGRESS",
                "rolloutStateReason": "ECS deployment circuit breaker: rolling back to this deployment.",
                "updatedAt": ecs._iso(),
            }
            record["taskDefinition"] = earlier["taskDefinition"]
            record["deployments"].sort(key=lambda each: each["status"] != "PRIMARY")
            _event(record, f"(service {name}) rolling back to deployment {earlier['id']}.")


def add_event(cluster: str, service: str, message: str) -> None:
    """A message for people in the service's events."""
    with _guard:
        _event(_service(cluster, service), message)


# ECS's own calls -------------------------------------------------------------------------------------------------


def _register_task_definition(data: Record) -> Any:
    answer = ecs._register_task_definition(data)
    if answer[0] < 300:
        record = ecs._task_defs[ecs._resolve_td_key(_answer(answer)["taskDefinition"]["taskDefinitionArn"])]
        _keep("TaskDefinition", record, data)
        # Absent is absent: upstream answers empty strings and nulls for members that were never given.
        for name in [name for name, value in record.items() if value in ("", None) and not name.startswith("_")]:
            del record[name]
        return json_response({"taskDefinition": record, "tags": data.get("tags", [])})
    return answer


def _create_service(data: Record) -> Any:
    answer = ecs._create_service(data)
    if answer[0] >= 300:
        return answer
    record = _service(data.get("cluster", "default"), data["serviceName"])
    _keep("Service", record, data, without=("cluster", "taskDefinition", "role", "launchType"))
    record["deployments"][0] |= _rollout(record)
    return json_response({"service": ecs._sanitize(record)})


def _update_service(data: Record) -> Any:
    try:
        record = _service(data.get("cluster", "default"), data.get("service", ""))
    except UnknownRecordError:
        return ecs._update_service(data)
    changes = {key: value for key, value in data.items() if key in _DEPLOYING and value != record.get(key)}
    count = len(record["events"])
    answer = ecs._update_service({**data, "forceNewDeployment": bool(data.get("forceNewDeployment") or changes)})
    if answer[0] >= 300:
        return answer
    # Upstream adds an event about draining that nobody saw.
    del record["events"][: len(record["events"]) - count]
    _keep("Service", record, data, without=("cluster", "taskDefinition", "service"))
    primary = _primary(record)
    if primary["rolloutState"] == "IN_PROGRESS" and "networkConfiguration" not in primary:
        primary |= _rollout(record)
    return json_response({"service": ecs._sanitize(record)})


def _delete_service(data: Record) -> Any:
    try:
        record = _service(data.get("cluster", "default"), data.get("service", ""))
    except UnknownRecordError as error:
        return error_response_json("ServiceNotFoundException", str(error), 400)
    if not data.get("force") and record["desiredCount"] > 0:
        return error_response_json(
            "InvalidParameterException", "The service cannot be stopped while it is scaled above 0.", 400
        )
    record["status"] = "DRAINING"
    record["desiredCount"] = 0
    for deployment in record["deployments"]:
        deployment["desiredCount"] = 0
    for task in _tasks_of(record):
        _ask_to_stop(task, "Service deleted", "ServiceSchedulerInitiated")
    cluster_name = ecs._cluster_name_from_arn(record["clusterArn"])
    _refresh_service(cluster_name, f"service:{record['serviceName']}")
    _recount_cluster(cluster_name)
    return json_response({"service": ecs._sanitize(record)})


def _run_task(data: Record) -> Any:
    answer = ecs._run_task(data)
    if answer[0] >= 300:
        return answer
    body = _answer(answer)
    made = [ecs._tasks[task["taskArn"]] for task in body["tasks"]]
    for task in made:
        task["lastStatus"] = "PROVISIONING"
        # Fargate has no container instances.
        for name in ("containerInstanceArn", "startedAt", "pullStartedAt", "pullStoppedAt", "connectivityAt"):
            task.pop(name, None)
        task["connectivity"] = "DISCONNECTED"
        task["_startup_stable"] = False
        for name in ("stoppedReason", "stopCode", "group", "startedBy", "capacityProviderName"):
            if not task.get(name):
                task.pop(name, None)
        task.setdefault("group", f"family:{task['taskDefinitionArn'].rsplit('/', 1)[-1].rsplit(':', 1)[0]}")
        for container in task["containers"]:
            container["lastStatus"] = "PENDING"
            container.pop("runtimeId", None)
    if made:
        cluster_name = ecs._cluster_name_from_arn(made[0]["clusterArn"])
        _refresh_service(cluster_name, made[0]["group"])
        _recount_cluster(cluster_name)
    return json_response({"tasks": [ecs._sanitize(task) for task in made], "failures": body.get("failures", [])})


def _stop_task(data: Record) -> Any:
    try:
        task = _task(data.get("cluster", "default"), data.get("task", ""))
    except UnknownRecordError:
        return error_response_json("InvalidParameterException", "The referenced task was not found.", 400)
    _ask_to_stop(task, data.get("reason") or "Task stopped by user", "UserInitiated")
    return json_response({"task": ecs._sanitize(task)})


def _update_task_protection(data: Record) -> Any:
    enabled = bool(data.get("protectionEnabled"))
    minutes = int(data.get("expiresInMinutes") or 120)
    return _each_task(data, lambda task: task.update(_protection_until=time.time() + minutes * 60 if enabled else 0.0))


def _get_task_protection(data: Record) -> Any:
    return _each_task(data, lambda _task: None)


def _each_task(data: Record, change: Callable[[Record], None]) -> Any:
    found: list[Record] = []
    failures: list[Record] = []
    for reference in data.get("tasks", []):
        try:
            task = _task(data.get("cluster", "default"), reference)
        except UnknownRecordError:
            failures.append({"arn": reference, "reason": "MISSING"})
            continue
        change(task)
        until = float(task.get("_protection_until") or 0.0)
        protected = until > time.time()
        found.append(
            {
                "taskArn": task["taskArn"],
                "protectionEnabled": protected,
                **({"expirationDate": until} if protected else {}),
            }
        )
    return json_response({"protectedTasks": found, "failures": failures})


# Records ---------------------------------------------------------------------------------------------------------


def _locked(call: Callable[[Record], Any]) -> Callable[[Record], Any]:
    def run(data: Record) -> Any:
        with _guard:
            return call(data)

    return run


def _answer(response: Any) -> Record:
    body: Record = json.loads(response[2])
    return body


@cache
def _members(shape: str) -> frozenset[str]:
    return frozenset(botocore.session.get_session().get_service_model("ecs").shape_for(shape).members)


def _keep(shape: str, record: Record, data: Record, *, without: tuple[str, ...] = ()) -> None:
    """Take over from a request whatever the API shows again; upstream keeps the members it thought of."""
    for name, value in data.items():
        if name in _members(shape) and name not in without and value is not None:
            record[name] = value


def _rollout(service: Record) -> Record:
    return {
        "rolloutState": "IN_PROGRESS",
        "rolloutStateReason": f"ECS deployment of {service['taskDefinition'].rsplit('/', 1)[-1]} in progress.",
        "networkConfiguration": service.get("networkConfiguration") or {},
        "platformVersion": service.get("platformVersion") or "LATEST",
        "launchType": service.get("launchType"),
        "capacityProviderStrategy": service.get("capacityProviderStrategy"),
    }


def _service(cluster: str, service: str) -> Record:
    cluster_name = ecs._resolve_cluster_name(cluster)
    found = ecs._resolve_service_ref(service)
    record = ecs._services.get(f"{cluster_name}/{found[0]}") if found else None
    if record is None:
        raise UnknownRecordError(f"no service {service} in cluster {cluster}")
    result: Record = record
    return result


def _deployment(service: Record, deployment_id: str) -> Record:
    for deployment in service["deployments"]:
        if deployment["id"] == deployment_id:
            result: Record = deployment
            return result
    raise UnknownRecordError(f"service {service['serviceName']} has no deployment {deployment_id}")


def _primary(service: Record) -> Record:
    result: Record = next(each for each in service["deployments"] if each["status"] == "PRIMARY")
    return result


def _completed(deployment: Record) -> bool:
    return bool(deployment.get("rolloutState") == "COMPLETED")


def _task(cluster: str, reference: str) -> Record:
    task = ecs._resolve_task(reference, ecs._resolve_cluster_name(cluster))
    if task is None:
        raise UnknownRecordError(f"no task {reference} in cluster {cluster}")
    result: Record = task
    return result


def _tasks_of(service: Record) -> list[Record]:
    return [
        task
        for task in list(ecs._tasks.values())
        if task.get("group") == f"service:{service['serviceName']}" and task["clusterArn"] == service["clusterArn"]
    ]


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


def _ask_to_stop(task: Record, reason: str, code: str) -> None:
    if task["desiredStatus"] != _ENDED:
        task |= {"desiredStatus": _ENDED, "stoppedReason": reason, "stopCode": code, "stoppingAt": ecs._iso()}
        ecs._bump_task_version(task)


def _count_failure(task: Record) -> None:
    for service in ecs._services.values():
        for deployment in service["deployments"]:
            if deployment["id"] == task.get("_deployment_id"):
                deployment["failedTasks"] = int(deployment.get("failedTasks", 0)) + 1


def _refresh_service(cluster_name: str, group: str) -> None:
    """Derive a service's counts from its tasks, drop drained deployments, end its draining."""
    service = ecs._services.get(f"{cluster_name}/{group.removeprefix('service:')}")
    if service is None or not group.startswith("service:"):
        return
    live = [task for task in _tasks_of(service) if task["lastStatus"] != _ENDED]
    for holder, tasks in [
        (service, live),
        *((each, [t for t in live if t.get("_deployment_id") == each["id"]]) for each in service["deployments"]),
    ]:
        holder["runningCount"] = sum(task["lastStatus"] == "RUNNING" for task in tasks)
        holder["pendingCount"] = sum(task["lastStatus"] in _PENDING for task in tasks)
    if any(each["status"] == "PRIMARY" and _completed(each) for each in service["deployments"]):
        used = {task.get("_deployment_id") for task in live}
        service["deployments"] = [d for d in service["deployments"] if d["status"] == "PRIMARY" or d["id"] in used]
    if service["status"] == "DRAINING" and not live:
        service["status"] = "INACTIVE"


def _recount_cluster(cluster_name: str) -> None:
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


def _event(service: Record, message: str) -> None:
    if service["events"] and service["events"][0]["message"] == message:
        return
    service["events"].insert(0, {"id": new_uuid(), "createdAt": ecs._iso(), "message": message})
    del service["events"][_EVENTS_KEPT:]


def _forget_old_tasks() -> None:
    limit = time.time() - _KEEP_STOPPED_SECONDS
    for arn, task in list(ecs._tasks.items()):
        if task["lastStatus"] == _ENDED and ecs._ts_to_epoch(task.get("stoppedAt") or "2000-01-01") < limit:
            del ecs._tasks[arn]


def _load(data: Any) -> None:
    ecs._restore_state({**data, "tasks": {}})
    ecs._tasks._data.update(data["tasks"]._data)
