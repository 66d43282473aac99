"""Automated backups of DB instances: which there are in which region, and the buckets that they lie in.

The data plane makes them (localcloud/dataplane/postgres/backups.py). What RDS copies to another region is copied here
by the replication of S3, of one bucket of RDS's own into another.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from ministack.core.responses import get_account_id, get_region

from localcloud import backup_store, layout
from localcloud.emulator import internal, stores
from localcloud.emulator.internal import client

Record = dict[str, Any]

_kept = stores.store("automated_backups", service="rds")


def credentials_path(identifier: str) -> Path:
    """Where the data plane is told what the service knows of an instance and its API does not tell."""
    return layout.folder("secrets", "rds") / f"{identifier}.json"


def credentials(identifier: str) -> Record:
    try:
        found: Record = json.loads(credentials_path(identifier).read_text())
    except FileNotFoundError:
        return {}
    return found


def note(record: Record, *, copies_to: str = "", copies_key: str = "", copies_days: int = 7) -> None:
    """An instance was made or changed: keep account of its automated backups, and of their copies in another region.

    `record` is the instance as MiniStack has it.
    """
    if not int(record.get("BackupRetentionPeriod") or 0) or record.get("ReadReplicaSourceDBInstanceIdentifier"):
        return
    region, resource_id = get_region(), record["DbiResourceId"]
    bucket = backup_store.bucket(region)
    _make_bucket(bucket, region)
    days = int(record["BackupRetentionPeriod"])
    _kept[resource_id] = _entry(record, region=region, days=days, status="active")
    if not copies_to:
        return
    _make_bucket(backup_store.bucket(copies_to), copies_to)
    with internal.scope(copies_to):
        _kept[resource_id] = _entry(record, region=copies_to, days=copies_days, status="replicating") | {
            "KmsKeyId": copies_key
        }
    _replicate(region, copies_to)


def forget(record: Record, *, delete: bool) -> None:
    """An instance is gone: delete its automated backups, or keep them for their time. Copies stay, as on AWS."""
    resource_id = record["DbiResourceId"]
    for (_, region, name), entry in list(_kept.all_items()):
        if name == resource_id and region != get_region():
            entry["Status"] = "retained"
    if resource_id not in _kept:
        return
    if not delete:
        _kept[resource_id]["Status"] = "retained"
        return
    del _kept[resource_id]
    _empty(backup_store.bucket(get_region()), f"{resource_id}/", last=not _kept)


def of_resource(resource_id: str) -> Record | None:
    """The automated backups of an instance in the region at hand."""
    found: Record | None = _kept.get(resource_id)
    return found


def of_arn(wanted: str) -> Record | None:
    return next((entry for entry in _kept.values() if entry["DBInstanceAutomatedBackupsArn"] == wanted), None)


def listed() -> Iterable[Record]:
    """As DescribeDBInstanceAutomatedBackups tells them."""
    for entry in _kept.values():
        window = backup_store.read_window(entry["DbiResourceId"])
        told = {name: value for name, value in entry.items() if not name.startswith("_")}
        if window.latest:
            told["RestoreWindow"] = {"EarliestTime": window.earliest, "LatestTime": window.latest}
        yield told


def arn(region: str, resource_id: str) -> str:
    """Of the automated backups of an instance in a region."""
    return f"arn:aws:rds:{region}:{get_account_id()}:auto-backup:ab-{resource_id.lower()}"


def _entry(record: Record, *, region: str, days: int, status: str) -> Record:
    resource_id = record["DbiResourceId"]
    return {
        "DBInstanceAutomatedBackupsArn": arn(region, resource_id),
        "DBInstanceArn": record["DBInstanceArn"],
        "DBInstanceIdentifier": record["DBInstanceIdentifier"],
        "DbiResourceId": resource_id,
        "Region": record["DBInstanceArn"].split(":")[3],
        "Status": status,
        "Engine": record["Engine"],
        "EngineVersion": record["EngineVersion"],
        "MasterUsername": record["MasterUsername"],
        "Encrypted": bool(record.get("StorageEncrypted")),
        "KmsKeyId": record.get("KmsKeyId", ""),
        "BackupRetentionPeriod": days,
        # For a restore when the instance is gone.
        "_instance": copy.deepcopy({name: value for name, value in record.items() if not name.startswith("_")}),
        "_login": credentials(record["DBInstanceIdentifier"]),
        "_region": region,
    }


def _make_bucket(name: str, region: str) -> None:
    s3 = client("s3", region)
    try:
        s3.head_bucket(Bucket=name)
    except ClientError:
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=name, **place)


def _replicate(source: str, target: str) -> None:
    for region in (source, target):
        client("s3", region).put_bucket_versioning(
            Bucket=backup_store.bucket(region), VersioningConfiguration={"Status": "Enabled"}
        )
    with internal.scope(target):
        copied = [name for name, entry in _kept.items() if entry["Status"] == "replicating"]
    client("s3", source).put_bucket_replication(
        Bucket=backup_store.bucket(source),
        ReplicationConfiguration={
            "Role": f"arn:aws:iam::{get_account_id()}:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS",
            "Rules": [
                {
                    "ID": name,
                    "Priority": number,
                    "Status": "Enabled",
                    "Filter": {"Prefix": f"{name}/"},
                    "DeleteMarkerReplication": {"Status": "Enabled"},
                    "Destination": {"Bucket": f"arn:aws:s3:::{backup_store.bucket(target)}"},
                }
                for number, name in enumerate(sorted(copied), start=1)
            ],
        },
    )


def _empty(bucket: str, prefix: str, *, last: bool) -> None:
    s3 = client("s3")
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            for each in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
        if last:
            s3.delete_bucket(Bucket=bucket)
    except ClientError as error:
        # Another's copies are in it.
        if error.response["Error"]["Code"] not in ("NoSuchBucket", "BucketNotEmpty"):
            raise
