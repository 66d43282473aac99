"""The calls of ECS's API about service deployments and service revisions.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import error_response_json, json_response

from localcloud.emulator.ecs_records import Record, UnknownRecordError, find_service, guard
from localcloud.emulator.service_deployments import hooks, records, revisions
from localcloud.emulator.service_deployments.strategy import ROLLING, name_of

_PAGE = 20


def refusal(service: Mapping[str, Any]) -> str:
    """Why ECS would not take such a service; empty when it would."""
    configuration = service.get("deploymentConfiguration") or {}
    if name_of(configuration) == ROLLING:
        return ""
    for hook in configuration.get("lifecycleHooks") or []:
        if hook.get("targetType", "AWS_LAMBDA") != "AWS_LAMBDA":
            return f"Lifecycle hooks of type {hook['targetType']} are not available in the local cloud."
    for balancer in service.get("loadBalancers") or []:
        advanced = balancer.get("advancedConfiguration") or {}
        missing = {"alternateTargetGroupArn", "productionListenerRule"} - advanced.keys()
        if balancer.get("targetGroupArn") and missing:
            return (
                f"The strategy {name_of(configuration)} needs {' and '.join(sorted(missing))} in the load balancer's "
                "advancedConfiguration."
            )
    return ""


def list_service_deployments(data: Record) -> Any:
    try:
        service = find_service(data.get("cluster") or "default", data["service"])
    except UnknownRecordError as error:
        return error_response_json("ServiceNotFoundException", str(error), 400)
    created = data.get("createdAt") or {}
    with guard:
        found = [
            _brief(record, service)
            for record in records.of_service(service)
            if record["status"] in (data.get("status") or [record["status"]])
            and float(created.get("after", 0)) <= record["createdAt"] <= float(created.get("before", math.inf))
        ]
    start, size = int(data.get("nextToken") or 0), int(data.get("maxResults") or _PAGE)
    answer: Record = {"serviceDeployments": found[start : start + size]}
    if len(found) > start + size:
        answer["nextToken"] = str(start + size)
    return json_response(answer)


def describe_service_deployments(data: Record) -> Any:
    found, failures = [], []
    with guard:
        for arn in data.get("serviceDeploymentArns", []):
            record = records.store.get(arn)
            if record is None:
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                found.append(_described(record))
    return json_response({"serviceDeployments": found, "failures": failures})


def describe_service_revisions(data: Record) -> Any:
    arns = data.get("serviceRevisionArns", [])
    found = [revisions.store[arn] for arn in arns if arn in revisions.store]
    failures = [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in revisions.store]
    return json_response({"serviceRevisions": found, "failures": failures})


def stop_service_deployment(data: Record) -> Any:
    """ROLLBACK goes back; ABORT leaves both revisions as they are, and the next deployment reconciles them.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stop-service-deployment.html
    """
    arn = data["serviceDeploymentArn"]
    with guard:
        record = records.store.get(arn)
        if record is None:
            return error_response_json("ServiceDeploymentNotFoundException", f"There is no {arn}.", 400)
        if record["status"] not in records.RUNNING:
            return error_response_json("ConflictException", f"The service deployment is {record['status']}.", 400)
        if data.get("stopType", "ROLLBACK") == "ROLLBACK":
            records.request_rollback(record, "Service deployment rolled back because of a request to stop it.")
        else:
            service = find_service(record["clusterArn"], record["serviceArn"])
            records.end(record, service, "STOPPED", "Service deployment stopped because of a request to abort it.")
    return json_response({"serviceDeploymentArn": arn})


def current_revisions(service: Record) -> list[Record]:
    """`currentServiceRevisions` of DescribeServices."""
    return [_counts(service, each["id"]) for each in service["deployments"]]


def _brief(record: Record, service: Record) -> Record:
    names = ("serviceDeploymentArn", "serviceArn", "clusterArn", "startedAt", "createdAt", "finishedAt", "status")
    return {
        **{name: record[name] for name in names if name in record},
        "targetServiceRevisionArn": revisions.arn_of(service, record["_target"]),
        **({"statusReason": record["statusReason"]} if record.get("statusReason") else {}),
    }


def _described(record: Record) -> Record:
    service = _service_of(record)
    shown = {name: value for name, value in record.items() if not name.startswith("_") and value not in ("", None)}
    shown["targetServiceRevision"] = _counts(service, record["_target"], record, lead=True)
    if record["_source"]:
        shown["sourceServiceRevisions"] = [_counts(service, record["_source"], record)]
    shown["sourceServiceRevisions"] = [
        *shown.get("sourceServiceRevisions", []),
        *(_counts(service, each) for each in record["_others"]),
    ]
    if details := hooks.shown(record):
        shown["lifecycleHookDetails"] = details
    shown["deploymentCircuitBreaker"] = _breaker(record, service)
    return shown


def _service_of(record: Record) -> Record:
    try:
        return find_service(record["clusterArn"], record["serviceArn"])
    except UnknownRecordError:
        return {"serviceArn": record["serviceArn"], "deployments": [], "desiredCount": 0}


def _counts(service: Record, deployment_id: str, record: Record | None = None, *, lead: bool = False) -> Record:
    deployment: Record = next((each for each in service["deployments"] if each["id"] == deployment_id), {})
    found: Record = {
        "arn": revisions.arn_of(service, deployment_id),
        "requestedTaskCount": deployment.get("desiredCount", 0),
        "runningTaskCount": deployment.get("runningCount", 0),
        "pendingTaskCount": deployment.get("pendingCount", 0),
    }
    if record and not records.is_rolling(record):
        for name, percent in record["_weights"].items():
            found[f"requested{name.title()}TrafficWeight"] = percent if lead else 100.0 - percent
    return found


def _breaker(record: Record, service: Record) -> Record:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html"""
    given = record["deploymentConfiguration"].get("deploymentCircuitBreaker") or {}
    target: Record = next((each for each in service["deployments"] if each["id"] == record["_target"]), {})
    failures = int(target.get("failedTasks", 0))
    threshold = min(max(math.ceil(int(service["desiredCount"]) / 2), 3), 200)
    if not given.get("enable") or not records.is_rolling(record):
        status = "DISABLED"
    elif failures >= threshold:
        status = "TRIGGERED"
    else:
        status = "MONITORING" if record["status"] in records.RUNNING else "MONITORING_COMPLETE"
    return {"status": status, "failureCount": failures, "threshold": threshold}
