"""INFO as data of AWS/ElastiCache."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from localcloud.metrics import elasticache
from localcloud.metrics.elasticache import Look, Node
from localcloud.metrics.instance_class import instance_class

from .support import values

NODE = Node(cluster_id="broker-001", node_id="0001", region="us-east-1", node_class=instance_class("cache.m7g.large"))
CLUSTER = {"CacheClusterId": "broker-001"}
INFO: dict[str, Any] = {
    "run_id": "a",
    "role": "master",
    "maxmemory": 1000,
    "used_memory": 250,
    "mem_not_counted_for_evict": 50,
    "mem_fragmentation_ratio": 1.5,
    "connected_clients": 3,
    "rdb_bgsave_in_progress": 0,
    "used_cpu_user_main_thread": 1.0,
    "used_cpu_sys_main_thread": 0.5,
    "db0": {"keys": 4, "expires": 1},
    "db1": {"keys": 2, "expires": 0},
    **{field: 100 for field, _ in elasticache._COUNTERS.values()},
}
BEFORE = Look(at=1000.0, info=INFO, processor=10.0, swapped=0)


def _after(**changed: Any) -> Look:
    return replace(BEFORE, at=1060.0, info={**INFO, **changed}, processor=16.0)


def test_counters_are_what_the_minute_added() -> None:
    data = elasticache.metrics(0, NODE, BEFORE, _after(keyspace_hits=130, keyspace_misses=110, evicted_keys=105))
    assert values(data, "CacheHits", **CLUSTER) == [30]
    assert values(data, "CacheMisses", **CLUSTER) == [10]
    assert values(data, "CacheHitRate", **CLUSTER) == [75]
    assert values(data, "Evictions", **CLUSTER) == values(data, "Evictions", CacheNodeId="0001", **CLUSTER) == [5]
    assert values(data, "Reclaimed", **CLUSTER) == [0]


def test_shares_are_of_what_there_is() -> None:
    data = elasticache.metrics(0, NODE, BEFORE, _after(used_cpu_user_main_thread=2.5))
    assert values(data, "DatabaseMemoryUsagePercentage", **CLUSTER) == [25]
    assert values(data, "DatabaseMemoryUsageCountedForEvictPercentage", **CLUSTER) == [20]
    assert values(data, "EngineCPUUtilization", **CLUSTER) == [2.5]
    assert values(data, "CPUUtilization", **CLUSTER) == [5]  # 0.1 cores of 2
    assert values(data, "CurrItems", **CLUSTER) == [6]
    assert values(data, "IsMaster", **CLUSTER) == [1]
    assert not values(data, "CacheHitRate", **CLUSTER)  # nothing was looked up


def test_a_server_that_was_started_anew_has_no_minute() -> None:
    assert elasticache.metrics(0, NODE, BEFORE, _after(run_id="b")) == []
