"""ElastiCache: endpoints that are real servers, and the passwords the data plane needs."""

# ruff: noqa: ARG002 - the signatures are those of registry.Handler.
from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ministack.services import elasticache

from localcloud import layout
from localcloud.emulator import dataplane_wait, wire
from localcloud.emulator.registry import Completion, Properties, Wanted, resource


@resource("AWS::ElastiCache::ReplicationGroup")
class ReplicationGroup(Completion):
    """Upstream points every group at one shared container's address."""

    def complete(self, ref: str, before: Properties, wanted: Wanted) -> Mapping[str, Any]:
        port = layout.allocate_port("elasticache", ref)
        endpoint = {"Address": layout.LOOPBACK, "Port": port}
        record = elasticache._replication_groups[ref]
        _name_members(record)
        for group in record["NodeGroups"]:
            group["PrimaryEndpoint"] = group["ReaderEndpoint"] = endpoint
            for member in group["NodeGroupMembers"]:
                member["ReadEndpoint"] = endpoint
                cluster = elasticache._clusters.get(member["CacheClusterId"])
                if cluster:
                    cluster["CacheNodes"] = [{**node, "Endpoint": endpoint} for node in cluster.get("CacheNodes", [])]
                    for name, source in (("KmsKeyId", "KmsKeyId"), ("Port", "Port")):
                        if source in wanted.properties:
                            cluster[name] = wanted.properties[source]
        if "KmsKeyId" in wanted.properties:
            record["KmsKeyId"] = wanted.properties["KmsKeyId"]
        dataplane_wait.wait_until_available("elasticache", ref)
        return {
            "PrimaryEndPoint.Address": layout.LOOPBACK,
            "PrimaryEndPoint.Port": str(port),
            "ReaderEndPoint.Address": layout.LOOPBACK,
            "ReaderEndPoint.Port": str(port),
            "ReadEndPoint.Addresses": layout.LOOPBACK,
            "ReadEndPoint.Ports": str(port),
        }

    def delete(self, ref: str, properties: Properties) -> None:
        super().delete(ref, properties)
        layout.release_port("elasticache", ref)


def _name_members(record: dict[str, Any]) -> None:
    """Without cluster mode nodes are called group-001, group-002, and so on; upstream numbers the one shard, too."""
    if record.get("ClusterMode") == "enabled" or len(record["NodeGroups"]) != 1:
        return
    members = record["NodeGroups"][0]["NodeGroupMembers"]
    for number, member in enumerate(members, start=1):
        before, name = member["CacheClusterId"], f"{record['ReplicationGroupId']}-{number:03}"
        member["CacheClusterId"] = name
        cluster = elasticache._clusters.pop(before, None)
        if cluster:
            arn = elasticache._arn_cluster(name)
            elasticache._tags[arn] = elasticache._tags.pop(cluster["CacheClusterArn"], [])
            elasticache._clusters[name] = {**cluster, "CacheClusterId": name, "CacheClusterArn": arn}
    record["MemberClusters"] = [member["CacheClusterId"] for member in members]


@resource("AWS::ElastiCache::User")
class User(Completion):
    """Upstream keeps a hash of the password; the server's ACL needs the password itself."""

    def complete(self, ref: str, before: Properties, wanted: Wanted) -> Mapping[str, Any]:
        passwords = list(wanted.properties.get("Passwords") or [])
        credentials = {
            "username": wanted.properties["UserName"],
            "password": str(passwords[0]) if passwords else "",
            "access_string": wanted.properties.get("AccessString", ""),
        }
        layout.write_private(_credentials_path(ref), json.dumps(credentials))
        return {}

    def delete(self, ref: str, properties: Properties) -> None:
        super().delete(ref, properties)
        _credentials_path(ref).unlink(missing_ok=True)


def _credentials_path(user_id: str) -> Path:
    return layout.folder("secrets", "elasticache") / f"{user_id}.json"


wire.complete(
    "elasticache",
    wire.Listing(
        operation="DescribeReplicationGroups",
        records="ReplicationGroups",
        record_of=lambda item: elasticache._replication_groups.get(item["ReplicationGroupId"]),
    ),
)
