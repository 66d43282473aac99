"""ECS as a control plane: it records what is wanted and what the task runner reports, and never pretends."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import ecs

from localcloud.emulator.corrections import replace
from localcloud.emulator.ecs_records import (
    Record,
    UnknownRecordError,
    answer_of,
    ask_to_stop,
    find_service,
    find_task,
    guard,
    primary_deployment,
    recount_cluster,
    refresh_service,
    tasks_of,
)
from localcloud.emulator.service_deployments import calls, records, revisions, switching

# What makes UpdateService start a deployment (API reference of UpdateService, "forceNewDeployment" aside).
_DEPLOYING = (
    "networkConfiguration",
    "capacityProviderStrategy",
    "platformVersion",
    "loadBalancers",
    "enableExecuteCommand",
    "volumeConfigurations",
    "serviceConnectConfiguration",
    "propagateTags",
    "enableECSManagedTags",
)


def install() -> None:
    # Upstream reports tasks RUNNING that nothing runs, and completes deployments by itself.
    replace(ecs, "_get_docker", lambda: None)
    replace(ecs, "_reconcile_service_tasks", lambda *_: None)
    replace(ecs, "_schedule_service_deployment_completion", lambda *_, **__: None)
    replace(ecs, "_record_service_task_failure", lambda *_, **__: None)
    replace(ecs, "_refresh_service_state", refresh_service)
    replace(ecs, "_recount_cluster", recount_cluster)
    replace(ecs, "_make_deployment", _with_revision_number(ecs._make_deployment))
    ecs._ACTION_MAP |= {
        "RegisterTaskDefinition": _locked(_register_task_definition),
        "CreateService": _locked(_create_service),
        "UpdateService": _locked(_update_service),
        "DeleteService": _locked(_delete_service),
        "DescribeServices": _locked(_describe_services),
        "ListServiceDeployments": calls.list_service_deployments,
        "DescribeServiceDeployments": calls.describe_service_deployments,
        "DescribeServiceRevisions": calls.describe_service_revisions,
        "StopServiceDeployment": calls.stop_service_deployment,
        "RunTask": _locked(run_task),
        "StopTask": _locked(_stop_task),
        "UpdateTaskProtection": _locked(_update_task_protection),
        "GetTaskProtection": _locked(_get_task_protection),
    }
    # Upstream takes every task for stopped after a restart; ours live in the runner, not in this process.
    replace(ecs, "load_persisted_state", _load)


def _register_task_definition(data: Record) -> Any:
    answer = ecs._register_task_definition(data)
    if answer[0] < 300:
        record = ecs._task_defs[ecs._resolve_td_key(answer_of(answer)["taskDefinition"]["taskDefinitionArn"])]
        _keep("TaskDefinition", record, data)
        # Absent is absent: upstream answers empty strings and nulls for members that were never given.
        for name in [name for name, value in record.items() if value in ("", None) and not name.startswith("_")]:
            del record[name]
        return json_response({"taskDefinition": record, "tags": data.get("tags", [])})
    return answer


def _create_service(data: Record) -> Any:
    if why := calls.refusal(data):
        return error_response_json("InvalidParameterException", why, 400)
    answer = ecs._create_service(data)
    if answer[0] >= 300:
        return answer
    record = find_service(data.get("cluster", "default"), data["serviceName"])
    _keep("Service", record, data, without=("cluster", "taskDefinition", "role", "launchType"))
    record["deployments"][0] |= _rollout(record)
    records.begin(record, record["deployments"][0])
    return json_response({"service": _shown(record)})


def _update_service(data: Record) -> Any:
    try:
        record = find_service(data.get("cluster", "default"), data.get("service", ""))
    except UnknownRecordError:
        return ecs._update_service(data)
    if why := calls.refusal({**record, **data}):
        return error_response_json("InvalidParameterException", why, 400)
    if _asks_for_the_one_in_production(record, data):
        return json_response({"service": _shown(record)})
    changes = {key: value for key, value in data.items() if key in _DEPLOYING and value != record.get(key)}
    count, before = len(record["events"]), primary_deployment(record)
    # The revision that is left behind is what the service was before it is changed.
    revisions.keep(record, before)
    answer = ecs._update_service({**data, "forceNewDeployment": bool(data.get("forceNewDeployment") or changes)})
    if answer[0] >= 300:
        return answer
    # Upstream adds an event about draining that nobody saw.
    del record["events"][: len(record["events"]) - count]
    _keep("Service", record, data, without=("cluster", "taskDefinition", "service"))
    primary = primary_deployment(record)
    if primary is not before:
        primary |= _rollout(record)
        records.begin(record, primary, before=before)
    elif (running := records.running(record)) and not records.is_rolling(running):
        switching.want_tasks(running, record)
    return json_response({"service": _shown(record)})


def desired_count(cluster: str, service: str) -> int:
    """How many tasks a service shall have. Raises UnknownRecordError where there is no such active service."""
    record = find_service(cluster, service)
    if record["status"] != "ACTIVE":
        raise UnknownRecordError(f"service {service} is not active")
    return int(record["desiredCount"])


def set_desired_count(cluster: str, service: str, count: int) -> None:
    """As UpdateService does."""
    _locked(_update_service)({"cluster": cluster, "service": service, "desiredCount": count})


def _asks_for_the_one_in_production(service: Record, data: Record) -> bool:
    """While a deployment shifts traffic, a request for what it shifts it from is a request to roll back.

    CloudFormation makes it when an update is cancelled or takes too long. ECS's documents do not say what becomes of
    it; this is the shortest way to the revision that was asked for.
    """
    running = records.running(service)
    if not running or not running["_source"] or records.is_rolling(running) or data.get("forceNewDeployment"):
        return False
    if not data.keys() & {"taskDefinition", *_DEPLOYING}:
        return False
    asked = {**data, "taskDefinition": _definition_arn(data.get("taskDefinition") or service["taskDefinition"])}
    wanted = revisions.wanted(service, asked)
    source, target = (revisions.store[revisions.arn_of(service, running[name])] for name in ("_source", "_target"))
    if not revisions.same(source, wanted) or revisions.same(target, wanted):
        return False
    records.request_rollback(running, "a new deployment asked for the revision in production")
    for name in ("desiredCount", "deploymentConfiguration"):
        if data.get(name) is not None:
            service[name] = data[name]
    return True


def _definition_arn(reference: str) -> str:
    known = ecs._task_defs.get(ecs._resolve_td_key(reference))
    return str(known["taskDefinitionArn"]) if known else reference


def _describe_services(data: Record) -> Any:
    answer = ecs._describe_services(data)
    if answer[0] >= 300:
        return answer
    body = answer_of(answer)
    for shown in body["services"]:
        shown["currentServiceRevisions"] = calls.current_revisions(shown)
    return json_response(body)


def _shown(service: Record) -> Record:
    shown: Record = ecs._sanitize(service)
    return shown


def _with_revision_number(stock: Callable[..., Record]) -> Callable[..., Record]:
    def make(*args: Any, **kwargs: Any) -> Record:
        return {**stock(*args, **kwargs), "id": revisions.new_deployment_id()}

    return make


def _delete_service(data: Record) -> Any:
    try:
        record = find_service(data.get("cluster", "default"), data.get("service", ""))
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
    for task in tasks_of(record):
        ask_to_stop(task, "Service deleted", "ServiceSchedulerInitiated")
    cluster_name = ecs._cluster_name_from_arn(record["clusterArn"])
    refresh_service(cluster_name, f"service:{record['serviceName']}")
    recount_cluster(cluster_name)
    return json_response({"service": _shown(record)})


def run_task(data: Record) -> Any:
    """RunTask: tasks in PROVISIONING, for the task runner to find.

    A client token that was used before gets the tasks that were started with it:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
    """
    token = f"{ecs._resolve_cluster_name(data.get('cluster', 'default'))}/{data.get('clientToken') or new_uuid()}"
    known = [task for task in list(ecs._tasks.values()) if task.get("_token") == token]
    if known:
        return json_response({"tasks": [ecs._sanitize(task) for task in known], "failures": []})
    answer = ecs._run_task(data)
    if answer[0] >= 300:
        return answer
    body = answer_of(answer)
    made = [ecs._tasks[task["taskArn"]] for task in body["tasks"]]
    for task in made:
        task["_token"] = token
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
        refresh_service(cluster_name, made[0]["group"])
        recount_cluster(cluster_name)
    return json_response({"tasks": [ecs._sanitize(task) for task in made], "failures": body.get("failures", [])})


def _stop_task(data: Record) -> Any:
    try:
        task = find_task(data.get("cluster", "default"), data.get("task", ""))
    except UnknownRecordError:
        return error_response_json("InvalidParameterException", "The referenced task was not found.", 400)
    ask_to_stop(task, data.get("reason") or "Task stopped by user", "UserInitiated")
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
            task = find_task(data.get("cluster", "default"), reference)
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


def _locked(call: Callable[[Record], Any]) -> Callable[[Record], Any]:
    def run(data: Record) -> Any:
        with guard:
            return call(data)

    return run


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


def _load(data: Any) -> None:
    ecs._restore_state({**data, "tasks": {}})
    ecs._tasks._data.update(data["tasks"]._data)
