"""DB instances as specs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from localcloud import backup_store, layout
from localcloud.dataplane.desired.api import Reader
from localcloud.dataplane.specs import ArchiveSpec, DatabaseSpec, Login, RestoreSpec

_PARAMETERS_AGE = 2.0


def databases(readers: Sequence[Reader]) -> dict[str, DatabaseSpec]:
    """By identifier. An instance that has no local endpoint yet is still being created and left out."""
    found: dict[str, tuple[Reader, dict[str, Any]]] = {}
    for reader in readers:
        for instance in reader.all("rds", "describe_db_instances", "DBInstances"):
            if instance["Engine"] == "postgres" and _port(instance):
                found.setdefault(instance["DBInstanceIdentifier"], (reader, instance))
    sources = {name: _source(instance) for name, (_, instance) in found.items()}
    return {
        name: _spec(
            reader,
            instance,
            source=sources[name],
            replicas=tuple(sorted(other for other, source in sources.items() if source == name)),
        )
        for name, (reader, instance) in found.items()
    }


def _spec(reader: Reader, instance: dict[str, Any], *, source: str | None, replicas: tuple[str, ...]) -> DatabaseSpec:
    identifier = instance["DBInstanceIdentifier"]
    secret = _secret(identifier)
    login = Login(username=secret["username"], password=secret["password"]) if secret.get("password") else None
    resource_id, days = instance.get("DbiResourceId", ""), int(instance.get("BackupRetentionPeriod", 0))
    bucket = backup_store.bucket(reader.region)
    restore: dict[str, str] = secret.get("restore") or {}
    return DatabaseSpec(
        identifier=identifier,
        port=_port(instance) or 0,
        login=login,
        database=secret.get("db_name") or None,
        source=source,
        replicas=replicas,
        resource_id=resource_id,
        parameters=_parameters(reader, instance),
        archive=ArchiveSpec(region=reader.region, bucket=bucket, server=resource_id) if days and not source else None,
        retention_days=days,
        restore=_restore(restore) if restore else None,
        multi_az=bool(instance.get("MultiAZ")) and source is None,
    )


def _port(instance: dict[str, Any]) -> int | None:
    endpoint = instance.get("Endpoint", {})
    port = int(endpoint.get("Port", 0))
    ours = endpoint.get("Address") == layout.LOOPBACK and port > layout.ports().base
    return port if ours else None


def _source(instance: dict[str, Any]) -> str | None:
    """The identifier of the source; across regions the API gives an ARN."""
    source: str = instance.get("ReadReplicaSourceDBInstanceIdentifier") or ""
    return source.rpartition(":")[2] or None


def _parameters(reader: Reader, instance: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for group in instance.get("DBParameterGroups", []):
        name = group["DBParameterGroupName"]
        if name.startswith("default."):
            continue
        for parameter in reader.all(
            "rds",
            "describe_db_parameters",
            "Parameters",
            seconds=_PARAMETERS_AGE,
            DBParameterGroupName=name,
            Source="user",
        ):
            if "ParameterValue" in parameter:
                found[parameter["ParameterName"]] = parameter["ParameterValue"]
    return found


def _restore(told: dict[str, str]) -> RestoreSpec:
    archive = ArchiveSpec(region=told["region"], bucket=told["bucket"], server=told["server"])
    return RestoreSpec(archive=archive, backup_id=told.get("backup_id", ""), time=told.get("time", ""))


def _secret(identifier: str) -> dict[str, Any]:
    """The master user and what a new instance begins with, which the API does not tell; the emulator leaves it in the
    state folder."""
    path = layout.folder("secrets", "rds") / f"{identifier}.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return found
