"""What a deployment that is not a rolling one changes in its service's record. The caller holds the guard."""

from __future__ import annotations

import time

from ministack.services import ecs

from localcloud.emulator.ecs_records import Record, add_event_to, refresh_service
from localcloud.emulator.service_deployments import planner, records, revisions, rolling
from localcloud.emulator.service_deployments.planner import Move


def want_tasks(record: Record, service: Record, moves: tuple[Move, ...] | None = None) -> None:
    """Give each deployment of the service the number of tasks that the move at hand wants."""
    moves = moves or records.way(record)
    back = record["status"] == "ROLLBACK_IN_PROGRESS"
    wanted = planner.counts(
        moves[: record["_move"] + 1],
        desired=int(service["desiredCount"]),
        rolling_back=back,
        scaled_up=record["_scaled_up"],
    )
    numbers = {record["_target"]: wanted.target, record["_source"]: wanted.source}
    if not wanted.keep_others:
        numbers |= dict.fromkeys(record["_others"], 0)
    for deployment in service["deployments"]:
        count = numbers.get(deployment["id"])
        if count is not None and deployment["desiredCount"] != count:
            deployment |= {"desiredCount": count, "updatedAt": ecs._iso()}
    if not back and wanted.target:
        record["_scaled_up"] = True


def go_back(record: Record, service: Record, reason: str) -> None:
    """Begin the rollback: the source is what the service is at, the target has failed."""
    rolling.begin_rollback(record, service, reason)
    record |= {"_move": 0, "_since": time.time()}
    for deployment in service["deployments"]:
        if deployment["id"] == record["_source"]:
            deployment |= {"status": "PRIMARY", "rolloutState": "COMPLETED", "updatedAt": ecs._iso()}
            service["taskDefinition"] = deployment["taskDefinition"]
        elif deployment["id"] == record["_target"]:
            _mark_failed(deployment, reason)
    service["deployments"].sort(key=lambda each: each["status"] != "PRIMARY")
    service.update(revisions.of_service(revisions.store[revisions.arn_of(service, record["_source"])]))
    name = service["serviceName"]
    add_event_to(service, f"(service {name}) rolling back to deployment {record['_source']}: {reason}")


def give_up(record: Record, service: Record, reason: str) -> None:
    """End a deployment that has nothing to go back to: its tasks are stopped."""
    for deployment in service["deployments"]:
        if deployment["id"] == record["_target"]:
            deployment |= {"rolloutState": "FAILED", "rolloutStateReason": reason, "desiredCount": 0}
    records.end(record, service, "STOPPED", reason)


def finish(record: Record, service: Record) -> None:
    """End a deployment or a rollback whose moves are all done."""
    back = record["status"] == "ROLLBACK_IN_PROGRESS"
    arrived = record["_source"] if back else record["_target"]
    for deployment in service["deployments"]:
        if deployment["id"] == arrived:
            deployment |= {
                "rolloutState": "COMPLETED",
                "rolloutStateReason": f"ECS deployment {arrived} completed.",
                "desiredCount": service["desiredCount"],
                "updatedAt": ecs._iso(),
            }
    add_event_to(service, f"(service {service['serviceName']}) has reached a steady state.")
    refresh_service(ecs._cluster_name_from_arn(service["clusterArn"]), f"service:{service['serviceName']}")
    if back:
        records.end(record, service, "ROLLBACK_SUCCESSFUL", record["statusReason"])
    else:
        records.end(record, service, "SUCCESSFUL", "")


def _mark_failed(deployment: Record, reason: str) -> None:
    deployment |= {
        "status": "ACTIVE",
        "rolloutState": "FAILED",
        "rolloutStateReason": reason,
        "updatedAt": ecs._iso(),
    }
