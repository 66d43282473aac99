"""Valkey servers: INFO over the administrator's socket, and their processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any, cast

from localcloud import aws, layout, regions
from localcloud.dataplane.elasticache.server import administrator
from localcloud.metrics import elasticache
from localcloud.metrics.clock import Source
from localcloud.metrics.datum import Datum
from localcloud.metrics.elasticache import Look, Node
from localcloud.metrics.instance_class import instance_class
from localcloud.metrics.processes import usage
from localcloud.metrics.roster import Wanted


def caches() -> Wanted:
    """A source for the primary of each replication group that has a server here. Raises botocore's errors."""
    found: Wanted = {}
    for region in regions.standing():
        pages = aws.client("elasticache", region).get_paginator("describe_replication_groups").paginate()
        for group in (group for page in pages for group in page["ReplicationGroups"]):
            for shard in group.get("NodeGroups", []):
                member = _primary(shard)
                if member and shard.get("PrimaryEndpoint", {}).get("Address") == layout.LOOPBACK:
                    node = Node(
                        cluster_id=member["CacheClusterId"],
                        node_id=member["CacheNodeId"],
                        region=region,
                        node_class=instance_class(group["CacheNodeType"]),
                    )
                    found[f"{node}"] = partial(_source, node, group["ReplicationGroupId"])
    return found


def _source(node: Node, group_id: str) -> list[Source]:
    return [Cache(node, group_id)]


def _primary(shard: dict[str, Any]) -> dict[str, Any] | None:
    return next((member for member in shard["NodeGroupMembers"] if member.get("CurrentRole") == "primary"), None)


class Cache:
    """Looks once a minute."""

    every = 5.0
    delay = 0.0

    def __init__(self, node: Node, group_id: str) -> None:
        self._node = node
        self._client = administrator(group_id)
        self._group_id = group_id
        self._before: Look | None = None

    @property
    def name(self) -> str:
        return f"elasticache-{self._group_id}"

    def sample(self) -> None:
        """The first look, from which the first minute is counted. Raises Valkey's errors when it does not answer."""
        self._before = self._before or self._look()

    def finish(self, minute: int) -> Iterator[list[Datum]]:
        before, now = self._before, self._look()
        self._before = now
        if before:
            yield elasticache.metrics(minute, self._node, before, now)

    def _look(self) -> Look:
        info = cast("dict[str, Any]", self._client.info("all"))
        used = usage([info["process_id"]])
        if used is None:
            raise ProcessLookupError(f"{self.name}: process {info['process_id']} is gone")
        return Look(at=time.time(), info=info, processor=used.processor, swapped=used.swapped)
