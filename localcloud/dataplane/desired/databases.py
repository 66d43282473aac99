"""DB instances as specs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from localcloud import layout
from localcloud.dataplane.desired.api import Reader
from localcloud.dataplane.specs import DatabaseSpec, Login

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
    return DatabaseSpec(
        identifier=identifier,
        port=_port(instance) or 0,
        login=login,
        database=secret.get("db_name") or None,
        source=source,
        replicas=replicas,
        resource_id=instance.get("DbiResourceId", ""),
        parameters=_parameters(reader, instance),
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


def _secret(identifier: str) -> dict[str, str]:
    """The master user, which the API does not tell; the emulator leaves it in the state folder."""
    path = layout.folder("secrets", "rds") / f"{identifier}.json"
    try:
        found: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return found
