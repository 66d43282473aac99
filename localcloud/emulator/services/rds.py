"""RDS calls that MiniStack lacks or answers without doing them: automated backups, snapshots, and restoring from both.

The data plane does the work. An instance that is being restored is `creating` until its server lets people in.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import rds

from localcloud import backup_store, layout
from localcloud.backup_store import Snapshot
from localcloud.dataplane import status
from localcloud.emulator import backup_copies, dataplane_wait, rds_backups, wire

Record = dict[str, Any]

# Before the first backup there is no such time; RDS leaves it out then.
_NEVER = datetime.fromtimestamp(0, UTC)
_RESTORED = {"available": "available", "failed": "incompatible-restore"}


class _RefusedError(Exception):
    """What RDS answers; `code` is its word."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


def install() -> None:
    calls = rds._ACTION_MAP
    # Upstream does not know replicated automated backups, which are seen in the region they go to.
    calls["DescribeDBInstanceAutomatedBackups"] = _describe_automated_backups
    calls["DescribeDBInstances"] = _looking_first(calls["DescribeDBInstances"])
    calls["DescribeDBSnapshots"] = _looking_first(calls["DescribeDBSnapshots"])
    calls["DeleteDBInstance"] = _forgetting(calls["DeleteDBInstance"])
    # Upstream calls a snapshot available and keeps nothing, and a restored instance is an empty record.
    calls["CreateDBSnapshot"] = _taken(calls["CreateDBSnapshot"])
    calls["CopyDBSnapshot"] = _call("CopyDBSnapshot", "DBSnapshot", _copy_snapshot)
    calls["RestoreDBInstanceFromDBSnapshot"] = _call(
        "RestoreDBInstanceFromDBSnapshot", "DBInstance", _restore_from_snapshot
    )
    calls["RestoreDBInstanceToPointInTime"] = _call(
        "RestoreDBInstanceToPointInTime", "DBInstance", _restore_to_point_in_time
    )


def _call(operation: str, result: str, carry_out: Callable[[Record], Record]) -> Callable[[Any], Any]:
    def call(parameters: Any) -> Any:
        try:
            record = carry_out(wire.read_query_input("rds", operation, _without_locations(parameters)))
        except _RefusedError as error:
            return rds._error(error.code, str(error), error.status)
        except layout.PortsExhaustedError as error:
            return rds._error("InstanceQuotaExceeded", str(error), 400)
        known = wire.model("rds").shape_for(result).members
        return 200, {"Content-Type": "text/xml"}, wire.answer(
            "rds", operation, {result: {name: value for name, value in record.items() if name in known}}
        )  # fmt: skip

    return call


def _without_locations(parameters: Any) -> dict[str, Any]:
    """The flat names of lists, which botocore writes with the member's own name, as `read_query_input` takes them."""
    renamed = {}
    for name, value in dict(parameters).items():
        for word in ("Tag", "VpcSecurityGroupId"):
            name = name.replace(f".{word}.", ".member.")
        renamed[name] = value
    return renamed


def _looking_first(stock: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Answer after a look at how far the data plane is."""

    def describe(parameters: Any) -> Any:
        for name, record in rds._instances.items():
            # Upstream says "now".
            window = backup_store.read_window(record.get("DbiResourceId", ""))
            record["LatestRestorableTime"] = window.latest or _NEVER.isoformat()
            if record.get("_restoring"):
                said = _said(name)
                record["DBInstanceStatus"] = _RESTORED.get(said, "creating")
                if said == "available":
                    del record["_restoring"]
        for record in rds._snapshots.values():
            if record["Status"] == "creating":
                _look_at_snapshot(record)
        return stock(parameters)

    return describe


def _said(name: str) -> str:
    try:
        found: str = json.loads(status.path("rds", name).read_text())["status"]
    except FileNotFoundError:
        return ""
    return found


def _forgetting(stock: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def delete(parameters: Any) -> Any:
        name = rds._p(parameters, "DBInstanceIdentifier")
        record = rds._instances.get(name)
        answer = stock(parameters)
        if record is not None and name not in rds._instances:
            rds_backups.forget(record, delete=rds._p(parameters, "DeleteAutomatedBackups") != "false")
            layout.release_port("rds", name)
            rds_backups.credentials_path(name).unlink(missing_ok=True)
        return answer

    return delete


def _describe_automated_backups(parameters: Any) -> Any:
    wanted = {
        name: rds._p(parameters, name)
        for name in ("DBInstanceIdentifier", "DbiResourceId", "DBInstanceAutomatedBackupsArn")
        if rds._p(parameters, name)
    }
    found = [each for each in rds_backups.listed() if all(each[name] == value for name, value in wanted.items())]
    content = {"DBInstanceAutomatedBackups": found}
    return 200, {"Content-Type": "text/xml"}, wire.answer("rds", "DescribeDBInstanceAutomatedBackups", content)


def _taken(stock: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def create(parameters: Any) -> Any:
        name = rds._p(parameters, "DBSnapshotIdentifier")
        instance = rds._resolve_instance(rds._p(parameters, "DBInstanceIdentifier"))
        backed_up = instance is not None and rds_backups.of_resource(instance["DbiResourceId"]) is not None
        if instance is not None and not backed_up:
            message = "a snapshot of an instance without automated backups is not available in the local cloud"
            return rds._error("InvalidDBInstanceState", message, 400)
        new = name not in rds._snapshots
        answer = stock(parameters)
        if answer[0] >= 300 or instance is None or not new:
            return answer
        record = rds._snapshots[name]
        record["_instance"] = copy.deepcopy({key: value for key, value in instance.items() if key[:1] != "_"})
        record["_login"] = rds_backups.credentials(instance["DBInstanceIdentifier"])
        if not dataplane_wait.off():
            record |= {"Status": "creating", "PercentProgress": 0}
            snapshot = Snapshot(identifier=_snapshot_key(name), resource_id=instance["DbiResourceId"])
            backup_store.write_snapshot(snapshot)
        content = {"DBSnapshot": {"DBSnapshotIdentifier": name, "Status": record["Status"],
                                  "DBSnapshotArn": record["DBSnapshotArn"]}}  # fmt: skip
        return 200, {"Content-Type": "text/xml"}, wire.answer("rds", "CreateDBSnapshot", content)

    return create


def _snapshot_key(name: str) -> str:
    """Snapshots of two regions may have one name."""
    return f"{get_region()}.{name}"


def _look_at_snapshot(record: Record) -> None:
    made = backup_store.read_snapshot(_snapshot_key(record["DBSnapshotIdentifier"]))
    if made is None or made.status == "creating":
        return
    record |= {"Status": made.status, "PercentProgress": 100, "_backup": made.backup}


def _copy_snapshot(request: Record) -> Record:
    source, name = request["SourceDBSnapshotIdentifier"], request["TargetDBSnapshotIdentifier"]
    region = source.split(":")[3] if source.startswith("arn:") else get_region()
    found = rds._snapshots.get_scoped(get_account_id(), region, source.rsplit(":", 1)[-1])
    if found is None:
        raise _RefusedError("DBSnapshotNotFound", f"DBSnapshot {source} not found.", 404)
    if name in rds._snapshots:
        raise _RefusedError("DBSnapshotAlreadyExists", f"Snapshot {name} already exists.")
    if found["Status"] != "available":
        raise _RefusedError("InvalidDBSnapshotState", f"DBSnapshot {source} is {found['Status']}.")
    if region != get_region() and found.get("Encrypted") and not request.get("KmsKeyId"):
        raise _RefusedError("InvalidParameterValue", "An encrypted snapshot needs a KmsKeyId of this region.")
    if found.get("_backup"):
        backup_copies.copy(found["DbiResourceId"], found["_backup"], source=region, target=get_region())
    made: Record = {
        **copy.deepcopy(found),
        "DBSnapshotIdentifier": name,
        "DBSnapshotArn": f"arn:aws:rds:{get_region()}:{get_account_id()}:snapshot:{name}",
        "SourceDBSnapshotIdentifier": found["DBSnapshotArn"],
        "SourceRegion": region,
        "SnapshotCreateTime": rds._format_time(time.time()),
        "KmsKeyId": request.get("KmsKeyId") or found.get("KmsKeyId", ""),
        "TagList": request.get("Tags", []),
    }
    rds._snapshots[name] = made
    return made


def _restore_from_snapshot(request: Record) -> Record:
    snapshot_id = request["DBSnapshotIdentifier"].rsplit(":", 1)[-1]
    snapshot = rds._snapshots.get(snapshot_id)
    if snapshot is None:
        raise _RefusedError("DBSnapshotNotFound", f"DBSnapshot {snapshot_id} not found.", 404)
    if snapshot["Status"] == "creating":
        _look_at_snapshot(snapshot)
    if snapshot["Status"] != "available":
        raise _RefusedError("InvalidDBSnapshotState", f"DBSnapshot {snapshot_id} is {snapshot['Status']}.")
    return _restored(
        request["DBInstanceIdentifier"],
        request,
        template=snapshot["_instance"],
        login=snapshot["_login"],
        begins_with={"server": snapshot["DbiResourceId"], "backup_id": snapshot.get("_backup", "")},
    )


def _restore_to_point_in_time(request: Record) -> Record:
    kept = _source(request)
    window = backup_store.read_window(kept["DbiResourceId"])
    asked = request.get("RestoreTime")
    if bool(asked) == bool(request.get("UseLatestRestorableTime")):
        raise _RefusedError("InvalidParameterCombination", "RestoreTime or UseLatestRestorableTime is needed.")
    if not window.latest:
        raise _RefusedError("InvalidRestoreFault", f"{kept['DBInstanceIdentifier']} has no automated backup yet.")
    if asked and not window.holds(datetime.fromisoformat(asked)):
        message = f"{asked} is not between {window.earliest} and {window.latest}, the times it can be restored to."
        raise _RefusedError("InvalidRestoreFault", message)
    return _restored(
        request["TargetDBInstanceIdentifier"],
        request,
        template=kept["_instance"],
        login=kept["_login"],
        # The latest: all that is in the archive, which may be more than is known for sure.
        begins_with={"server": kept["DbiResourceId"], "time": asked or ""},
    )


def _source(request: Record) -> Record:
    """The automated backups that a restore begins with."""
    if arn := request.get("SourceDBInstanceAutomatedBackupsArn"):
        kept = rds_backups.of_arn(arn)
    else:
        instance = rds._instances.get(request.get("SourceDBInstanceIdentifier", ""))
        named = request.get("SourceDbiResourceId") or (instance or {}).get("DbiResourceId", "")
        kept = rds_backups.of_resource(named)
        if instance is not None and kept is not None:  # as it is now
            return {**kept, "_instance": instance, "_login": rds_backups.credentials(instance["DBInstanceIdentifier"])}
    if kept is None:
        raise _RefusedError("DBInstanceNotFound", "There are no automated backups of this instance here.", 404)
    return kept


def _restored(name: str, request: Record, *, template: Record, login: Record, begins_with: Mapping[str, str]) -> Record:
    """A new instance, for the data plane to find: what RDS does not take over is as for any new one."""
    name = name.lower()
    if name in rds._instances:
        raise _RefusedError("DBInstanceAlreadyExists", f"DBInstance {name} already exists.")
    region = get_region()
    record = {key: copy.deepcopy(value) for key, value in template.items() if key[:1] != "_"}
    record |= {
        "DBInstanceIdentifier": name,
        "DBInstanceArn": f"arn:aws:rds:{region}:{get_account_id()}:db:{name}",
        "DbiResourceId": f"db-{new_uuid().replace('-', '')[:20].upper()}",
        "InstanceCreateTime": rds._format_time(time.time()),
        "DBInstanceStatus": "available" if dataplane_wait.off() else "creating",
        "AvailabilityZone": f"{region}a",
        "MultiAZ": False,
        "DeletionProtection": False,
        "ReadReplicaDBInstanceIdentifiers": [],
        "ReadReplicaSourceDBInstanceIdentifier": "",
        "DBParameterGroups": [
            {"DBParameterGroupName": f"default.{record['Engine']}{record['EngineVersion'].split('.')[0]}",
             "ParameterApplyStatus": "in-sync"}
        ],
        "VpcSecurityGroups": [],
        "PendingModifiedValues": {},
        "TagList": [],
        "Endpoint": {**template["Endpoint"], "Address": layout.LOOPBACK, "Port": layout.allocate_port("rds", name)},
        "_restoring": True,
    }  # fmt: skip
    record.pop("DBInstanceAutomatedBackupsReplications", None)
    _ask_for(record, request)
    told = {**login, "restore": {"region": region, "bucket": backup_store.bucket(region), **begins_with}}
    layout.write_private(rds_backups.credentials_path(name), json.dumps(told))
    rds._instances[name] = record
    rds._tags[record["DBInstanceArn"]] = record["TagList"]
    rds_backups.note(record)
    return record


def _ask_for(record: Record, request: Record) -> None:
    wire.keep("rds", "DBInstance", record, {
        key: value for key, value in request.items() if key not in ("DBInstanceIdentifier", "DBSubnetGroup")
    })  # fmt: skip
    if group := request.get("DBParameterGroupName"):
        record["DBParameterGroups"] = [{"DBParameterGroupName": group, "ParameterApplyStatus": "in-sync"}]
    if groups := request.get("VpcSecurityGroupIds"):
        record["VpcSecurityGroups"] = [{"VpcSecurityGroupId": group, "Status": "active"} for group in groups]
    if tags := request.get("Tags"):
        record["TagList"] = tags
    if subnets := request.get("DBSubnetGroupName"):
        record["DBSubnetGroup"] = {**record.get("DBSubnetGroup", {}), "DBSubnetGroupName": subnets}
