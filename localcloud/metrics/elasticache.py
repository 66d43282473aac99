"""AWS/ElastiCache, from Valkey's INFO and a server's processes.

docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html and CacheMetrics.HostLevel.html. A group is one
server here, its primary: replicas, which do not run, publish nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.metrics.datum import Datum, Minute, Unit
from localcloud.metrics.instance_class import InstanceClass

NAMESPACE = "AWS/ElastiCache"

Info = Mapping[str, Any]
"""INFO of all sections, by field."""

_COUNTERS: dict[str, tuple[str, Unit]] = {
    "CacheHits": ("keyspace_hits", "Count"),
    "CacheMisses": ("keyspace_misses", "Count"),
    "Evictions": ("evicted_keys", "Count"),
    "Reclaimed": ("expired_keys", "Count"),
    "NewConnections": ("total_connections_received", "Count"),
    "AuthenticationFailures": ("acl_access_denied_auth", "Count"),
    "CommandAuthorizationFailures": ("acl_access_denied_cmd", "Count"),
    "KeyAuthorizationFailures": ("acl_access_denied_key", "Count"),
    "ErrorCount": ("total_error_replies", "Count"),
    "NetworkBytesIn": ("total_net_input_bytes", "Bytes"),
    "NetworkBytesOut": ("total_net_output_bytes", "Bytes"),
}
"""Fields of INFO that count since the server began; published is what the minute added."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A cache node. An unknown class leaves out what is a share of it."""

    cluster_id: str
    node_id: str
    region: str
    node_class: InstanceClass | None


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at a server: seconds since the epoch; processor seconds since it began; bytes that are swapped."""

    at: float
    info: Info
    processor: float
    swapped: int


def metrics(minute: int, node: Node, before: Look, now: Look) -> list[Datum]:
    """Nothing where the server was started anew in between: its counters began again."""
    if before.info["run_id"] != now.info["run_id"]:
        return []
    found = [*_engine(before, now), *_host(node, before, now)]
    into = Minute(namespace=NAMESPACE, region=node.region, start=minute)
    cluster = {"CacheClusterId": node.cluster_id}
    return [
        into.value(name, value, unit, **dimensions)
        for name, value, unit in found
        for dimensions in (cluster, {**cluster, "CacheNodeId": node.node_id})
    ]


def _engine(before: Look, now: Look) -> list[tuple[str, float, Unit]]:
    info = now.info
    added = {name: float(info[key] - before.info[key]) for name, (key, _) in _COUNTERS.items()}
    most = info["maxmemory"]
    found: list[tuple[str, float, Unit]] = [
        *((name, added[name], unit) for name, (_, unit) in _COUNTERS.items()),
        ("CurrConnections", info["connected_clients"], "Count"),
        ("CurrItems", sum(value["keys"] for key, value in info.items() if key.startswith("db")), "Count"),
        ("BytesUsedForCache", info["used_memory"], "Bytes"),
        ("MemoryFragmentationRatio", info["mem_fragmentation_ratio"], "None"),
        (
            "EngineCPUUtilization",
            100 * (_engine_seconds(info) - _engine_seconds(before.info)) / _seconds(before, now),
            "Percent",
        ),
        ("IsMaster", float(info["role"] == "master"), "Count"),
        ("SaveInProgress", info["rdb_bgsave_in_progress"], "Count"),
    ]
    if most:
        counted = info["used_memory"] - info["mem_not_counted_for_evict"]
        found.append(("DatabaseMemoryUsagePercentage", 100 * info["used_memory"] / most, "Percent"))
        found.append(("DatabaseMemoryUsageCountedForEvictPercentage", 100 * counted / most, "Percent"))
    looked_up = added["CacheHits"] + added["CacheMisses"]
    if looked_up:
        found.append(("CacheHitRate", 100 * added["CacheHits"] / looked_up, "Percent"))
    return found


def _host(node: Node, before: Look, now: Look) -> list[tuple[str, float, Unit]]:
    found: list[tuple[str, float, Unit]] = [("SwapUsage", now.swapped, "Bytes")]
    if node.node_class:
        cores = max(0.0, now.processor - before.processor) / _seconds(before, now)
        found.append(("CPUUtilization", 100 * cores / node.node_class.vcpus, "Percent"))
    return found


def _engine_seconds(info: Info) -> float:
    """Valkey executes commands in its main thread."""
    return float(info["used_cpu_user_main_thread"] + info["used_cpu_sys_main_thread"])


def _seconds(before: Look, now: Look) -> float:
    return max(now.at - before.at, 0.001)
