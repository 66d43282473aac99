"""Service deployments of the rolling strategy: the task runner carries them out, here is kept how they go.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
"""

from __future__ import annotations

import time

from localcloud.emulator.ecs_records import Record
from localcloud.emulator.service_deployments import records, revisions


def reached_steady_state(service: Record, deployment: Record) -> bool:
    """Take note of it; whether the deployment is complete, or alarms are still to be waited for."""
    record = records.running(service)
    if record is None:
        return True
    if not records.is_rolling(record):
        return False  # the driver completes it
    if record["status"] == "ROLLBACK_IN_PROGRESS":
        if deployment["id"] == record["_source"]:
            records.end(record, service, "ROLLBACK_SUCCESSFUL", record["statusReason"])
        return True
    if deployment["id"] != record["_target"]:
        return True
    record.setdefault("_steady_since", time.time())
    if time.time() - record["_steady_since"] < record.get("_alarm_bake", 0.0):
        return False
    records.end(record, service, "SUCCESSFUL", "")
    return True


def failed(service: Record, deployment: Record, reason: str, *, rolls_back: bool) -> None:
    """Take note of a failed deployment; `rolls_back` says that the one before takes its place again."""
    record = records.running(service)
    if record is None or not records.is_rolling(record):
        return
    if record["status"] == "ROLLBACK_IN_PROGRESS":
        if deployment["id"] == record["_source"]:
            records.end(record, service, "ROLLBACK_FAILED", reason)
        return
    if deployment["id"] != record["_target"]:
        return
    if rolls_back and record["_source"]:
        begin_rollback(record, service, reason)
    else:
        records.end(record, service, "STOPPED", reason)


def begin_rollback(record: Record, service: Record, reason: str) -> None:
    """Record that a deployment, of whatever strategy, goes back to its source from now on."""
    now = time.time()
    record |= {
        "status": "ROLLBACK_IN_PROGRESS",
        "statusReason": f"Service deployment rolled back because of: {reason}",
        "updatedAt": now,
        "rollback": {
            "reason": reason,
            "startedAt": now,
            "serviceRevisionArn": revisions.arn_of(service, record["_source"]),
        },
    }
    records.touch()
