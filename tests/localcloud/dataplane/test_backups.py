"""Automated backups of a real server in the emulator's S3, and instances restored from them by the RDS API."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from botocore.exceptions import ClientError

from localcloud import aws, backup_store, layout
from localcloud.dataplane import paths

from .conftest import eventually

pytestmark = pytest.mark.localcloud

PASSWORD = "password-of-the-database"
TEMPLATE = {
    "Resources": {
        "Database": {
            "Type": "AWS::RDS::DBInstance",
            "Properties": {
                "DBInstanceIdentifier": "books",
                "DBInstanceClass": "db.t4g.micro",
                "Engine": "postgres",
                "EngineVersion": "17.9",
                "AllocatedStorage": "20",
                "MasterUsername": "keeper",
                "MasterUserPassword": PASSWORD,
                "DBName": "books",
                "BackupRetentionPeriod": 7,
                "StorageEncrypted": True,
                "AutomaticBackupReplicationRegion": "us-west-2",
                "AutomaticBackupReplicationKmsKeyId": "arn:aws:kms:us-west-2:000000000000:key/copies",
            },
        }
    }
}


@pytest.fixture(scope="module")
def database(state: Path) -> Iterator[str]:
    """A stack with one instance, whose log is sent off every three seconds; the name of a snapshot of it."""
    aws.client.cache_clear()  # clients of another state folder
    processes = [_start("emulator"), _start("dataplane")]
    try:
        eventually(lambda: aws.client("sts", "us-east-1").get_caller_identity(), within=60)
        calls = aws.client("cloudformation", "us-east-1")
        calls.create_stack(StackName="trial", TemplateBody=json.dumps(TEMPLATE))
        eventually(lambda: _stack_is("CREATE_COMPLETE"), within=300, period=0.2)
        _run("CREATE TABLE written (at timestamptz DEFAULT clock_timestamp())")
        _run("INSERT INTO written DEFAULT VALUES")
        _rds().create_db_snapshot(DBSnapshotIdentifier="first", DBInstanceIdentifier="books")
        eventually(lambda: _snapshot("first")["Status"] == "available", within=300, period=0.2)
        yield "first"
    finally:
        print(paths.tail(paths.log("dataplane"), lines=60), paths.tail(paths.log("emulator"), lines=20))
        processes[1].send_signal(signal.SIGTERM)
        processes[1].wait(timeout=300)
        processes[0].kill()
        processes[0].wait()
        aws.client.cache_clear()


def _start(name: str) -> subprocess.Popen[bytes]:
    home = str(layout.home())
    environment = {
        **os.environ,
        "LOCALCLOUD_HOME": home,
        layout.MARKER: home,
        "PYTHONPATH": str(layout.REPOSITORY),
        "LOCALCLOUD_LOG_SHIPPING_SECONDS": "3",
    }
    log = (layout.folder("logs") / f"{name}.log").open("ab")
    return subprocess.Popen([sys.executable, "-m", f"localcloud.{name}"], env=environment, stdout=log, stderr=log)


def _rds(region: str = "us-east-1") -> Any:
    return aws.client("rds", region)


def _stack_is(status: str) -> bool:
    found = aws.client("cloudformation", "us-east-1").describe_stacks(StackName="trial")["Stacks"][0]
    assert "ROLLBACK" not in found["StackStatus"], found
    return bool(found["StackStatus"] == status)


def _snapshot(name: str, region: str = "us-east-1") -> Any:
    return _rds(region).describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"][0]


def _instance(name: str = "books", region: str = "us-east-1") -> Any:
    return _rds(region).describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]


def _run(statement: str, *, name: str = "books", region: str = "us-east-1") -> list[Any]:
    """What a client of an instance gets, with the master user's password and over TLS."""
    at = _instance(name, region)["Endpoint"]
    with closing(
        psycopg2.connect(
            host=at["Address"], port=at["Port"], user="keeper", password=PASSWORD, dbname="books", sslmode="require"
        )
    ) as link:
        link.autocommit = True
        with link.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []


def _there(name: str, region: str = "us-east-1") -> bool:
    found = _instance(name, region)["DBInstanceStatus"]
    assert found in ("creating", "available"), found
    return bool(found == "available")


def test_an_instance_is_restored_to_a_moment_between_two_writes(database: str) -> None:
    before = _run("INSERT INTO written DEFAULT VALUES RETURNING at")[0][0]
    moment = _run("SELECT clock_timestamp() FROM pg_sleep(0.01)")[0][0]
    _run("INSERT INTO written SELECT clock_timestamp() FROM pg_sleep(0.01)")
    eventually(lambda: _instance().get("LatestRestorableTime", before) > moment, within=300, period=0.2)
    _rds().restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier="books", TargetDBInstanceIdentifier="as-it-was", RestoreTime=moment
    )
    with pytest.raises(psycopg2.Error):  # nobody sees it half-way
        _run("SELECT 1", name="as-it-was")
    eventually(lambda: _there("as-it-was"), within=300, period=0.2)
    found = [row[0] for row in _run("SELECT at FROM written ORDER BY at", name="as-it-was")]
    assert len(found) == 2
    assert found[-1] == before
    assert len(_run("SELECT at FROM written")) == 3
    _run("INSERT INTO written DEFAULT VALUES", name="as-it-was")  # a database of its own
    _rds().delete_db_instance(DBInstanceIdentifier="as-it-was", SkipFinalSnapshot=True)


@pytest.mark.parametrize("moment", ["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])
def test_moments_outside_the_window_are_refused(database: str, moment: str) -> None:
    eventually(lambda: _instance().get("LatestRestorableTime"), within=300, period=0.2)
    with pytest.raises(ClientError, match="InvalidRestoreFault"):
        _rds().restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier="books",
            TargetDBInstanceIdentifier="never",
            RestoreTime=datetime.fromisoformat(moment),
        )
    with pytest.raises(ClientError, match="DBInstanceNotFound"):
        _instance("never")


def test_a_snapshot_and_the_log_are_enough_when_the_region_is_gone(database: str) -> None:
    """From what is in the second region alone: a copied snapshot, and the replicated automated backup."""
    _rds("us-west-2").copy_db_snapshot(
        SourceDBSnapshotIdentifier=_snapshot(database)["DBSnapshotArn"],
        TargetDBSnapshotIdentifier="copied",
        KmsKeyId="arn:aws:kms:us-west-2:000000000000:key/copies",
        SourceRegion="us-east-1",
    )
    written = len(_run("SELECT at FROM written"))
    latest = _run("SELECT clock_timestamp()")[0][0]
    eventually(lambda: _instance().get("LatestRestorableTime", latest) > latest, within=300, period=0.2)
    _remove(backup_store.bucket("us-east-1"))
    copy = _rds("us-west-2").describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"][0]
    _rds("us-west-2").restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier="from-snapshot", DBSnapshotIdentifier="copied"
    )
    _rds("us-west-2").restore_db_instance_to_point_in_time(
        SourceDBInstanceAutomatedBackupsArn=copy["DBInstanceAutomatedBackupsArn"],
        TargetDBInstanceIdentifier="from-copies",
        UseLatestRestorableTime=True,
    )
    for name, rows in (("from-snapshot", 1), ("from-copies", written)):
        eventually(lambda name=name: _there(name, "us-west-2"), within=300, period=0.2)
        assert len(_run("SELECT at FROM written", name=name, region="us-west-2")) == rows


def _remove(bucket: str) -> None:
    s3 = aws.client("s3", "us-east-1")
    s3.delete_bucket_replication(Bucket=bucket)
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for each in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
    s3.delete_bucket(Bucket=bucket)
