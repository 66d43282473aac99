"""ElastiCache replication groups as specs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from localcloud import layout
from localcloud.dataplane.desired.api import Reader
from localcloud.dataplane.specs import ValkeySpec, ValkeyUser

_MIB = 1024**2
_MOST_MEMORY = 512 * _MIB
"""Bytes; more than a demonstration needs, and little enough for a laptop."""

# docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheNodes.SupportedTypes.html; all larger ones are capped.
_NODE_MEMORY = {"cache.t4g.micro": 512 * _MIB, "cache.t3.micro": 512 * _MIB}

_AGE = 2.0


def replication_groups(readers: Sequence[Reader]) -> dict[str, ValkeySpec]:
    """By identifier. A group that has no local endpoint yet is still being created and left out."""
    found: dict[str, ValkeySpec] = {}
    for reader in readers:
        for group in reader.all("elasticache", "describe_replication_groups", "ReplicationGroups"):
            port = _port(group)
            if port:
                found.setdefault(group["ReplicationGroupId"], _spec(reader, group, port))
    return found


def _spec(reader: Reader, group: dict[str, Any], port: int) -> ValkeySpec:
    return ValkeySpec(
        group_id=group["ReplicationGroupId"],
        port=port,
        memory=min(_NODE_MEMORY.get(group.get("CacheNodeType", ""), _MOST_MEMORY), _MOST_MEMORY),
        users=tuple(_users(reader, group.get("UserGroupIds", []))),
        parameters=_parameters(reader, group),
    )


def _port(group: dict[str, Any]) -> int | None:
    for node_group in group.get("NodeGroups", []):
        endpoint = node_group.get("PrimaryEndpoint", {})
        port = int(endpoint.get("Port", 0))
        if endpoint.get("Address") == layout.LOOPBACK and port > layout.ports().base:
            return port
    return None


def _users(reader: Reader, user_groups: Iterable[str]) -> list[ValkeyUser]:
    found = []
    for name in user_groups:
        for user_group in reader.all(
            "elasticache", "describe_user_groups", "UserGroups", seconds=_AGE, UserGroupId=name
        ):
            found += [_user(reader, user_id) for user_id in sorted(user_group.get("UserIds", []))]
    return found


def _user(reader: Reader, user_id: str) -> ValkeyUser:
    user = reader.all("elasticache", "describe_users", "Users", seconds=_AGE, UserId=user_id)[0]
    secret = _secret(user_id)
    password = secret.get("password")
    return ValkeyUser(
        username=user["UserName"],
        access_string=user.get("AccessString") or secret.get("access_string", "off"),
        passwords=(password,) if password else (),
    )


def _parameters(reader: Reader, group: dict[str, Any]) -> dict[str, str]:
    for cluster in group.get("MemberClusters", [])[:1]:
        described = reader.all(
            "elasticache", "describe_cache_clusters", "CacheClusters", seconds=_AGE, CacheClusterId=cluster
        )
        name = described[0].get("CacheParameterGroup", {}).get("CacheParameterGroupName", "default.")
        if not name.startswith("default."):
            parameters = reader.all(
                "elasticache", "describe_cache_parameters", "Parameters", seconds=_AGE, CacheParameterGroupName=name
            )
            return {each["ParameterName"]: each["ParameterValue"] for each in parameters if each["Source"] == "user"}
    return {}


def _secret(user_id: str) -> dict[str, str]:
    """The password, which the API does not tell; the emulator leaves it in the state folder."""
    path = layout.folder("secrets", "elasticache") / f"{user_id}.json"
    try:
        found: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return found
