"""How old the newest backups are, and how far the copy of the receipts is behind.

AWS tells of backups that failed, but not of those that never began; and S3 publishes how far a copy is behind in the
copy's region, where no alarm of ours is. Each figure stands by itself: one that cannot be had leaves the others.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

KINDS = ("RDS", "S3")


def handler(_event: dict[str, Any], _context: object) -> None:
    now, failures = datetime.now(tz=UTC), []
    for figures in (_backups, _replication):
        try:
            for figure in figures(now):
                boto3.client("cloudwatch").put_metric_data(Namespace=os.environ["NAMESPACE"], MetricData=[figure])
        except Exception as error:  # noqa: BLE001
            failures.append(f"{figures.__name__}: {error}")
    if failures:
        raise RuntimeError("; ".join(failures))


def _backups(now: datetime) -> list[dict[str, Any]]:
    """Hours since the newest complete backup of each kind; since the vault was made where there is none yet."""
    vault = os.environ.get("BACKUP_VAULT")
    if not vault:
        return []
    client = boto3.client("backup")
    made = client.describe_backup_vault(BackupVaultName=vault)["CreationDate"]
    return [
        {
            "MetricName": "BackupAgeHours",
            "Dimensions": [{"Name": "ResourceType", "Value": kind}],
            "Value": (now - max([made, *_complete(client, vault, kind)])).total_seconds() / 3600,
        }
        for kind in KINDS
    ]


def _complete(client: Any, vault: str, kind: str) -> list[datetime]:
    points, request = [], {"BackupVaultName": vault, "ByResourceType": kind}
    while True:
        page = client.list_recovery_points_by_backup_vault(**request)
        for point in page["RecoveryPoints"]:
            # A continuous backup is never complete; what it can restore to is its newest moment.
            newest = point.get("CompletionDate") or point.get("CreationDate")
            if point.get("Status") in ("COMPLETED", "AVAILABLE") and newest:
                points.append(newest)
        if "NextToken" not in page:
            return points
        request["NextToken"] = page["NextToken"]


def _replication(now: datetime) -> list[dict[str, Any]]:
    """The most that the copy was behind in the last quarter of an hour; nothing while S3 says nothing."""
    source = os.environ.get("SOURCE_BUCKET")
    if not source:
        return []
    client = boto3.client("cloudwatch", region_name=os.environ["REPLICA_REGION"])
    found = client.get_metric_statistics(
        Namespace="AWS/S3",
        MetricName="ReplicationLatency",
        Dimensions=[
            {"Name": "SourceBucket", "Value": source},
            {"Name": "DestinationBucket", "Value": os.environ["REPLICA_BUCKET"]},
            {"Name": "RuleId", "Value": os.environ["REPLICATION_RULE"]},
        ],
        StartTime=now - timedelta(minutes=15),
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    return [
        {"MetricName": "ReplicationSeconds", "Value": max(point["Maximum"] for point in found), "Unit": "Seconds"}
        for _ in found[:1]
    ]
