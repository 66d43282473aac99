"""Nodes of ElastiCache: shards, replicas, failover, zones and node types."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.elasticache import API, CACHE, GROUP, PARAMETER_GROUP, engine, joins_other
from preflight.values import Node, boolean, entries, integer, target, text

_MOST_NODES, _MOST_REPLICAS = 6, 5


def _sharded(group: Resource) -> bool | None:
    """Cluster mode; None where the template does not decide."""
    shards = group.get("NumNodeGroups")
    count = 1 if shards.absent else integer(shards)
    mode = group.get("ClusterMode")
    if (count or 0) > 1 or len(entries(group.get("NodeGroupConfiguration"))) > 1:
        return True
    if not mode.absent:
        named = text(mode)
        return None if named is None else named.lower() != "disabled"
    node = group.get("CacheParameterGroupName")
    if parameters := target(node, PARAMETER_GROUP):
        enabled = parameters.get("Properties", "cluster-enabled")
        return False if enabled.absent else text(enabled) == "yes"
    if node.absent:
        restored = not (group.get("SnapshotName").absent and group.get("SnapshotArns").absent)
        return False if count == 1 and not restored else None
    name = text(node)
    if name is None or not name.startswith("default."):
        return None
    return name.endswith(".cluster.on")


def _nodes(group: Resource) -> tuple[Node, int] | None:
    """Where the nodes per shard are said, and the least number there; None where that is undecided."""
    for entry in entries(group.get("NodeGroupConfiguration")):
        count = entry.get("ReplicaCount")
        if not count.absent:
            replicas = integer(count)
            return (count, replicas + 1) if replicas is not None else None
    for name, primary in (("NumCacheClusters", 0), ("ReplicasPerNodeGroup", 1)):
        node = group.get(name)
        if not node.absent:
            count_given = integer(node)
            return (node, count_given + primary) if count_given is not None else None
    return (group.get("NumCacheClusters"), 1) if group.get("NodeGroupConfiguration").absent else None


@rule(
    "CACHE-75",
    constraint=75,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Automatic failover and Multi-AZ have a replica to fail over to",
    otherwise='"When using automatic failover, there must be at least 2 cache clusters in the replication group".',
    remedy="Set NumCacheClusters to 2 or more (or ReplicasPerNodeGroup to 1), or turn both off.",
    source=API + "API_CreateReplicationGroup.html",
    types=(GROUP,),
)
def failover_needs_replica(group: Resource) -> Iterator[Fault]:
    failover, multi_az = boolean(group.get("AutomaticFailoverEnabled")), boolean(group.get("MultiAZEnabled"))
    if not (failover or multi_az) or joins_other(group):
        return
    found = _nodes(group)
    # Shards without replicas may be on automatic failover, but not on Multi-AZ.
    if found is not None and found[1] < 2 and (multi_az or _sharded(group) is False):
        yield Fault(at=found[0].path(), message="one node in a shard that should fail over")


@rule(
    "CACHE-75b",
    constraint=75,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Multi-AZ and several shards come with automatic failover",
    otherwise="CreateReplicationGroup refuses the combination.",
    remedy="Set AutomaticFailoverEnabled to true.",
    source=API + "API_CreateReplicationGroup.html",
    types=(GROUP,),
)
def needs_failover(group: Resource) -> Iterator[Fault]:
    node = group.get("AutomaticFailoverEnabled")
    if joins_other(group) or not (node.absent or boolean(node) is False):
        return
    shards = integer(group.get("NumNodeGroups"))
    if boolean(group.get("MultiAZEnabled")):
        yield Fault(at=node.path(), message="off, with Multi-AZ on")
    elif shards is not None and shards > 1:
        yield Fault(at=node.path(), message=f"off, with {shards} shards")


@rule(
    "CACHE-75c",
    constraint=75,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A shard has at most six nodes, a primary and five replicas",
    otherwise="CreateReplicationGroup refuses the number.",
    remedy="Use up to 6 for NumCacheClusters, up to 5 for ReplicasPerNodeGroup and ReplicaCount.",
    source=API + "API_CreateReplicationGroup.html",
    types=(GROUP,),
)
def nodes_per_shard(group: Resource) -> Iterator[Fault]:
    shards = entries(group.get("NodeGroupConfiguration"))
    replicas = [group.get("ReplicasPerNodeGroup"), *(shard.get("ReplicaCount") for shard in shards)]
    counted = [(group.get("NumCacheClusters"), 1, _MOST_NODES), *((node, 0, _MOST_REPLICAS) for node in replicas)]
    for node, least, most in counted:
        count = integer(node)
        if count is not None and not least <= count <= most:
            yield Fault(at=node.path(), message=f"{count}, allowed are {least} to {most}")


@rule(
    "CACHE-75d",
    constraint=75,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="As many availability zones are named as there are nodes",
    otherwise="CreateReplicationGroup refuses the list.",
    remedy="Name one zone per node in PreferredCacheClusterAZs, or leave the list out.",
    source=API + "API_CreateReplicationGroup.html",
    types=(GROUP,),
)
def zones_per_node(group: Resource) -> Iterator[Fault]:
    zones, count = group.get("PreferredCacheClusterAZs"), integer(group.get("NumCacheClusters"))
    if isinstance(zones.value, list) and zones.value and count is not None and len(zones.value) != count:
        yield Fault(at=zones.path(), message=f"{len(zones.value)} zones for {count} nodes")


@rule(
    "CACHE-203",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Data tiering is on for r6gd nodes, and for no others",
    otherwise="CreateReplicationGroup refuses the combination.",
    remedy="Set DataTieringEnabled to true exactly with cache.r6gd nodes.",
    source=API + "API_CreateReplicationGroup.html",
    types=(GROUP,),
)
def data_tiering(group: Resource) -> Iterator[Fault]:
    node_type, node = text(group.get("CacheNodeType")), group.get("DataTieringEnabled")
    if not node_type or joins_other(group):
        return
    tiered, wanted = False if node.absent else boolean(node), node_type.startswith("cache.r6gd.")
    if tiered is not None and tiered is not wanted:
        yield Fault(at=node.path(), message=f"{'on' if tiered else 'off'} for {node_type}")


@rule(
    "CACHE-204",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A single Redis or Valkey cluster has one node, a Memcached one up to 40",
    otherwise="CreateCacheCluster refuses the number.",
    remedy="Use a replication group for several Redis or Valkey nodes.",
    source=API + "API_CreateCacheCluster.html",
    types=(CACHE,),
)
def cluster_nodes(cluster: Resource) -> Iterator[Fault]:
    count, name = integer(cluster.get("NumCacheNodes")), engine(cluster)
    most = 40 if name == "memcached" else 1 if name in ("redis", "valkey") else None
    # More than 40 Memcached nodes are a matter of quota.
    if count is not None and most is not None and (count < 1 or (most == 1 and count > 1)):
        yield Fault(at="NumCacheNodes", message=f"{count} nodes of {name}")
