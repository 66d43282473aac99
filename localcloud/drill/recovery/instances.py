"""What an operator asks RDS for, in the words of the runbooks, and what comes of it."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from localcloud.console import LocalCloudError
from localcloud.drill.platform import Platform
from localcloud.drill.recovery.clock import wait_until
from localcloud.ledger import stored
from localcloud.ledger.stored import Row

PATIENCE = 1800.0
"""Seconds for a backup or a restore, on a machine that has other things to do."""


def snapshot(platform: Platform) -> str:
    """A new snapshot of the primary, from which on it can be restored to any second; its name."""
    rds, name = platform.client("rds"), f"drill-{time.strftime('%Y%m%dt%H%M%S', time.gmtime())}"
    rds.create_db_snapshot(DBSnapshotIdentifier=name, DBInstanceIdentifier=platform.writer)

    def made() -> bool:
        found = rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"][0]["Status"]
        if found not in ("creating", "available"):
            raise LocalCloudError(f"the snapshot is {found}", remedy="run: make logs PART=dataplane")
        return bool(found == "available")

    wait_until(made, what="the snapshot is available", patience=PATIENCE)
    return name


def wait_until_restorable(platform: Platform, moment: float) -> None:
    """Until LatestRestorableTime is past a Unix time."""
    wanted = datetime.fromtimestamp(moment, UTC)
    wait_until(
        lambda: instance(platform, platform.writer)["LatestRestorableTime"] > wanted,
        what=f"the log of {wanted:%H:%M:%S} is in the archive",
        patience=PATIENCE,
    )


def restore(platform: Platform, *, name: str, moment: float) -> None:
    """A new instance with the primary's data of a Unix time, once it lets people in."""
    source = instance(platform, platform.writer)
    platform.client("rds").restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=platform.writer,
        TargetDBInstanceIdentifier=name,
        RestoreTime=datetime.fromtimestamp(moment, UTC),
        DBParameterGroupName=source["DBParameterGroups"][0]["DBParameterGroupName"],
        DBSubnetGroupName=source["DBSubnetGroup"]["DBSubnetGroupName"],
        VpcSecurityGroupIds=[group["VpcSecurityGroupId"] for group in source["VpcSecurityGroups"]],
    )
    wait_until_available(platform.client("rds"), name)


def wait_until_available(rds: Any, name: str) -> None:
    def there() -> bool:
        found = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBInstanceStatus"]
        if found not in ("creating", "available"):
            raise LocalCloudError(f"{name} is {found}", remedy="run: make logs PART=dataplane")
        return bool(found == "available")

    wait_until(there, what=f"{name} is available", patience=PATIENCE)


def delete(platform: Platform, name: str) -> None:
    """Nothing happens where there is none."""
    try:
        platform.client("rds").delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    except ClientError as error:
        if error.response["Error"]["Code"] != "DBInstanceNotFound":
            raise


def instance(platform: Platform, name: str) -> Any:
    return platform.client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]


def receipts(platform: Platform, name: str) -> dict[str, Row]:
    """All receipts of an instance."""
    with closing(platform.database(name, dbname=platform.database_name)) as link:
        return stored.receipts(link)
