"""RDS instances, replicas and parameter groups; the servers behind them are the data plane's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack.services import rds

from localcloud import layout
from localcloud.emulator import cloudformation, coercion, dataplane_wait, rds_backups, wire
from localcloud.emulator.internal import client
from localcloud.emulator.registry import Handler, Properties, Provisioned, Wanted, resource

_RENAMED = {"VPCSecurityGroups": "VpcSecurityGroupIds"}
# Sent otherwise: replication of backups is a call in the other region; the other is an option of the delete call.
_ORIGINS = ("SourceDBInstanceIdentifier", "SourceDbiResourceId", "SourceDBInstanceAutomatedBackupsArn")
_PATIENCE, _RESTORE_PATIENCE = 60.0, 900.0
"""Seconds until a server has to be there: a new one, and one that replays what others have written."""

_NOT_OF_THE_CALL = (
    "AutomaticBackupReplicationRegion",
    "AutomaticBackupReplicationKmsKeyId",
    "AutomaticBackupReplicationRetentionPeriod",
    "DeleteAutomatedBackups",
    "ApplyImmediately",
)


@resource("AWS::RDS::DBInstance")
class DbInstance(Handler):
    immutable = frozenset(
        {"DBInstanceIdentifier", "DBName", "DBSubnetGroupName", "Engine", "KmsKeyId", "MasterUsername",
         "SourceDBInstanceIdentifier", "StorageEncrypted", "CharacterSetName", "Timezone", "AvailabilityZone"}
    )  # fmt: skip

    def create(self, wanted: Wanted) -> Provisioned:
        properties = wanted.properties
        name = str(properties.get("DBInstanceIdentifier") or wanted.physical_name(max_length=63)).lower()
        if restored := _restores(properties):
            request = _create_restored(name, restored, properties)
        elif _source(properties):
            request = _create_replica(name, properties)
        else:
            request = coercion.to_input(
                "rds",
                "CreateDBInstance",
                {**properties, "DBInstanceIdentifier": name},
                rename=_RENAMED,
                without=_NOT_OF_THE_CALL,
            )
            client("rds").create_db_instance(**request)
        wanted.made(name)
        record = rds._instances[name]
        try:
            _complete(record, request, properties)
            record["Endpoint"]["Address"] = layout.LOOPBACK
            record["Endpoint"]["Port"] = layout.allocate_port("rds", name)
            if not _source(properties) and not restored:
                _write_credentials(name, record, str(properties.get("MasterUserPassword", "")))
            _note_backups(record, properties)
            dataplane_wait.wait_until_available("rds", name, patience=_RESTORE_PATIENCE if restored else _PATIENCE)
            if restored and properties.get("MasterUserPassword"):
                _write_credentials(name, record, str(properties["MasterUserPassword"]))
        except Exception:
            record["DeletionProtection"] = False
            self.delete(name, properties)
            raise
        return _provisioned(record)

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        properties = wanted.properties
        request = _modify(ref, _changed(before, properties))
        record = rds._instances[ref]
        _complete(record, request, properties)
        record["PendingModifiedValues"] = {}
        if before.get("MasterUserPassword") != properties.get("MasterUserPassword"):
            _write_credentials(ref, record, str(properties["MasterUserPassword"]))
        _note_backups(record, properties)
        dataplane_wait.wait_until_available("rds", ref)
        return _provisioned(record)

    def delete(self, ref: str, properties: Properties) -> None:
        if cloudformation.undoes_a_create(ref) and ref in rds._instances:
            rds._instances[ref]["DeletionProtection"] = False
        client("rds").delete_db_instance(
            DBInstanceIdentifier=ref,
            SkipFinalSnapshot=True,
            DeleteAutomatedBackups=str(properties.get("DeleteAutomatedBackups", True)).lower() == "true",
        )


def _create_replica(name: str, properties: Properties) -> dict[str, Any]:
    """As CloudFormation does: what the call for replicas does not take is set by a modification right after."""
    takes = {member.lower() for member in coercion.takes("rds", "CreateDBInstanceReadReplica")}
    with_the_call = {key: value for key, value in properties.items() if _RENAMED.get(key, key).lower() in takes}
    request = coercion.to_input(
        "rds",
        "CreateDBInstanceReadReplica",
        {**with_the_call, "DBInstanceIdentifier": name},
        rename=_RENAMED,
        without=_NOT_OF_THE_CALL,
    )
    client("rds").create_db_instance_read_replica(**request)
    # RDS takes a replica's engine from its source.
    later = {key: value for key, value in properties.items() if key not in with_the_call and key != "Engine"}
    return {**request, **_modify(name, later)}


def _restores(properties: Properties) -> dict[str, Any]:
    """What an instance is restored from, where it is: the call's own members."""
    if "DBSnapshotIdentifier" in properties:
        return {"DBSnapshotIdentifier": properties["DBSnapshotIdentifier"]}
    when = {name: properties[name] for name in ("RestoreTime", "UseLatestRestorableTime") if name in properties}
    origin = {name: properties[name] for name in _ORIGINS if name in properties}
    return {**origin, **when} if when else {}


def _create_restored(name: str, restored: dict[str, Any], properties: Properties) -> dict[str, Any]:
    """As CloudFormation does: what the call for restores does not take is set by a modification right after."""
    snapshot = "DBSnapshotIdentifier" in restored
    operation = "RestoreDBInstanceFromDBSnapshot" if snapshot else "RestoreDBInstanceToPointInTime"
    named = "DBInstanceIdentifier" if snapshot else "TargetDBInstanceIdentifier"
    takes = {member.lower() for member in coercion.takes("rds", operation)}
    with_the_call = {key: value for key, value in properties.items() if _RENAMED.get(key, key).lower() in takes}
    request = coercion.to_input("rds", operation, {**with_the_call, named: name}, rename=_RENAMED)
    rds_calls = client("rds")
    (rds_calls.restore_db_instance_from_db_snapshot if snapshot else rds_calls.restore_db_instance_to_point_in_time)(
        **request
    )
    known = {*with_the_call, *restored, "DBInstanceIdentifier", "Engine", "DBName", "StorageEncrypted", "KmsKeyId"}
    return {**request, **_modify(name, {key: value for key, value in properties.items() if key not in known})}


def _modify(name: str, properties: Properties) -> dict[str, Any]:
    request = coercion.to_input(
        "rds",
        "ModifyDBInstance",
        {**properties, "DBInstanceIdentifier": name, "ApplyImmediately": True},
        rename=_RENAMED,
        # Tags have calls of their own; exports are changed by a difference, which answers do not show.
        without=(*(word for word in _NOT_OF_THE_CALL if word != "ApplyImmediately"), "Tags",
                 "EnableCloudwatchLogsExports", "SourceDBInstanceIdentifier"),
    )  # fmt: skip
    client("rds").modify_db_instance(**request)
    return request


def _source(properties: Properties) -> str | None:
    """The primary of a read replica."""
    return None if _restores(properties) else properties.get("SourceDBInstanceIdentifier")


def _changed(before: Properties, after: Properties) -> dict[str, Any]:
    return {name: value for name, value in after.items() if before.get(name) != value}


def _complete(record: dict[str, Any], request: Mapping[str, Any], properties: Properties) -> None:
    """What upstream's create and modify leave at their own defaults, in the form that answers have."""
    wire.keep("rds", "DBInstance", record, {name: v for name, v in request.items() if name != "DBInstanceIdentifier"})
    if "EnableCloudwatchLogsExports" in properties:
        record["EnabledCloudwatchLogsExports"] = list(properties["EnableCloudwatchLogsExports"])
    if "EnableIAMDatabaseAuthentication" in request:
        record["IAMDatabaseAuthenticationEnabled"] = request["EnableIAMDatabaseAuthentication"]
    if "EnablePerformanceInsights" in request:
        record["PerformanceInsightsEnabled"] = request["EnablePerformanceInsights"]
    if "CopyTagsToSnapshot" in properties:
        record["CopyTagsToSnapshot"] = str(properties["CopyTagsToSnapshot"]).lower() == "true"
    if "CACertificateIdentifier" in request:
        record["CertificateDetails"] = {
            **record.get("CertificateDetails", {}),
            "CAIdentifier": request["CACertificateIdentifier"],
        }
    if "VpcSecurityGroupIds" in request:
        record["VpcSecurityGroups"] = [
            {"VpcSecurityGroupId": group, "Status": "active"} for group in request["VpcSecurityGroupIds"]
        ]
    if "DBParameterGroupName" in request:
        record["DBParameterGroups"] = [
            {"DBParameterGroupName": request["DBParameterGroupName"], "ParameterApplyStatus": "in-sync"}
        ]
    if "Tags" in properties:
        record["TagList"] = rds._tags[record["DBInstanceArn"]] = [dict(tag) for tag in properties["Tags"]]
    if _source(properties):
        record["MultiAZ"] = bool(request.get("MultiAZ", False))
        record["BackupRetentionPeriod"] = int(request.get("BackupRetentionPeriod", 0))


def _note_backups(record: dict[str, Any], properties: Properties) -> None:
    region = properties.get("AutomaticBackupReplicationRegion")
    if region:
        arn = rds_backups.arn(region, record["DbiResourceId"])
        record["DBInstanceAutomatedBackupsReplications"] = [{"DBInstanceAutomatedBackupsArn": arn}]
    else:
        record.pop("DBInstanceAutomatedBackupsReplications", None)
    rds_backups.note(
        record,
        copies_to=region or "",
        copies_key=properties.get("AutomaticBackupReplicationKmsKeyId", ""),
        copies_days=int(properties.get("AutomaticBackupReplicationRetentionPeriod", 7)),
    )


def _write_credentials(name: str, record: dict[str, Any], password: str) -> None:
    """For the data plane: what the service knows and its API does not tell."""
    path, kept = rds_backups.credentials_path(name), rds_backups.credentials(name)
    credentials = {"username": record["MasterUsername"], "password": password, "db_name": record.get("DBName", "")}
    layout.write_private(path, json.dumps(kept | credentials))


def _provisioned(record: dict[str, Any]) -> Provisioned:
    return Provisioned(
        ref=record["DBInstanceIdentifier"],
        attributes={
            "Endpoint.Address": record["Endpoint"]["Address"],
            "Endpoint.Port": str(record["Endpoint"]["Port"]),
            "Endpoint.HostedZoneId": record["Endpoint"].get("HostedZoneId", ""),
            "DBInstanceArn": record["DBInstanceArn"],
            "DbiResourceId": record["DbiResourceId"],
            "CertificateDetails.CAIdentifier": record["CertificateDetails"]["CAIdentifier"],
        },
    )


wire.complete(
    "rds",
    wire.Listing(
        operation="DescribeDBInstances",
        records="DBInstances",
        record_of=lambda item: rds._instances.get(item["DBInstanceIdentifier"]),
    ),
)
