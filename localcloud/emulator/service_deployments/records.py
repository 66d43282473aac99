"""Service deployments as ECS keeps them, with where each one stands.

A record has the members of the API's ServiceDeployment that do not change by themselves, and ours under names with an
underscore: `_target`, `_source` and `_others` are ids of the deployments in the service's own record, `_move` is the
position on the planner's way, `_since` when it was reached, `_weights` the target revision's shares of traffic.
Whoever changes a record holds `ecs_records.guard`.
"""

from __future__ import annotations

import copy
import secrets
import string
import time
from typing import Any

from localcloud.emulator import stores
from localcloud.emulator.ecs_records import Record, add_event_to, is_completed
from localcloud.emulator.persistence import saver
from localcloud.emulator.service_deployments import revisions
from localcloud.emulator.service_deployments.planner import Move, way_back, way_forward
from localcloud.emulator.service_deployments.strategy import ROLLING, name_of, strategy

store = stores.store("service_deployments", service="ecs")

RUNNING = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")
"""Statuses of a deployment that has not ended (developer guide, service-deployment)."""

_KEPT = 50
"""Ended deployments kept of a service; ECS keeps them for 90 days."""


def of_service(service: Record) -> list[Record]:
    """A service's deployments, the latest first."""
    found = [each for each in list(store.values()) if each["serviceArn"] == service["serviceArn"]]
    return sorted(found, key=lambda each: -float(each["createdAt"]))


def running(service: Record) -> Record | None:
    """The deployment of a service that has not ended."""
    return next((each for each in of_service(service) if each["status"] in RUNNING), None)


def is_rolling(record: Record) -> bool:
    return name_of(record["deploymentConfiguration"]) == ROLLING


def begin(service: Record, deployment: Record, *, before: Record | None = None) -> Record:
    """Record that a service is on its way to a deployment; `before` is the one it was at or on its way to."""
    overtaken = running(service)
    source = _in_production(service, overtaken, before)
    others = [each["id"] for each in service["deployments"] if each is not deployment and each is not source]
    configuration = copy.deepcopy(service.get("deploymentConfiguration") or {})
    if overtaken:
        end(overtaken, service, "STOPPED", f"Service deployment stopped: {deployment['id']} has taken its place.")
    revisions.keep(service, deployment, after=revisions.keep(service, source) if source else None)
    now = time.time()
    record: Record = {
        "serviceDeploymentArn": _new_arn(service),
        "serviceArn": service["serviceArn"],
        "clusterArn": service["clusterArn"],
        "createdAt": now,
        "updatedAt": now,
        "status": "PENDING",
        "deploymentConfiguration": configuration,
        "_target": deployment["id"],
        "_source": source["id"] if source else None,
        "_others": others,
        "_move": 0,
        "_since": now,
        "_tested": any(
            (each.get("advancedConfiguration") or {}).get("testListenerRule")
            for each in service.get("loadBalancers") or []
        ),
        "_weights": {"production": 0.0, "test": 0.0},
        "_scaled_up": False,
        "_hooks": {},
    }
    if not is_rolling(record):
        deployment["desiredCount"] = 0
    store[record["serviceDeploymentArn"]] = record
    service["currentServiceDeployment"] = record["serviceDeploymentArn"]
    _forget_old(service)
    touch()
    return record


def _in_production(service: Record, overtaken: Record | None, before: Record | None) -> Record | None:
    """The deployment to go back to: the last one that completed and still runs."""
    if overtaken is not None:
        return next((each for each in service["deployments"] if each["id"] == overtaken["_source"]), None)
    if before is None or is_completed(before):
        return before
    return next((each for each in service["deployments"] if each is not before and is_completed(each)), None)


def way(record: Record) -> tuple[Move, ...]:
    """The moves of a deployment that is not a rolling one, or of its rollback."""
    if record["status"] == "ROLLBACK_IN_PROGRESS":
        return way_back()
    found = strategy(record["deploymentConfiguration"])
    return way_forward(found, first=record["_source"] is None, others=bool(record["_others"]), tested=record["_tested"])


def end(record: Record, service: Record, status: str, reason: str) -> None:
    """Record that a deployment has ended."""
    now = time.time()
    record |= {"status": status, "statusReason": reason, "finishedAt": now, "updatedAt": now}
    if status == "STOPPED":
        record["stoppedAt"] = now
    if alarms := record.get("alarms"):
        alarms["status"] = "MONITORING_COMPLETE" if alarms["status"] == "MONITORING" else alarms["status"]
    if service.get("currentServiceDeployment") == record["serviceDeploymentArn"]:
        service.pop("currentServiceDeployment")
    short = record["serviceDeploymentArn"].rsplit("/", 1)[-1]
    add_event_to(service, f"(service {service['serviceName']}) service deployment {short} is {status}: {reason}")
    touch()


def request_rollback(record: Record, reason: str) -> None:
    """Ask for a rollback; the driver begins it."""
    if record["status"] in ("PENDING", "IN_PROGRESS"):
        record |= {"status": "ROLLBACK_REQUESTED", "statusReason": reason, "updatedAt": time.time()}
        touch()


def touch() -> None:
    """Say that records have changed, so that they are written to disk."""
    saver.touch("ecs", *stores.state_keys("ecs"))


def _new_arn(service: Record) -> str:
    path = service["serviceArn"].replace(":service/", ":service-deployment/", 1)
    return f"{path}/{''.join(secrets.choice(string.ascii_letters + string.digits) for _ in range(21))}"


def _forget_old(service: Record) -> None:
    ended: list[Any] = [each for each in of_service(service) if each["status"] not in RUNNING]
    for record in ended[_KEPT:]:
        del store[record["serviceDeploymentArn"]]
