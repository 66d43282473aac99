"""AWS/RDS, from a server's processes, its folder, and what PostgreSQL says of itself.

docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html,
docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PerfInsights.Cloudwatch.html for database load. Locks, deadlocks and
statements have no metrics there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from localcloud.metrics.datum import Datum, Minute, Unit
from localcloud.metrics.instance_class import InstanceClass

NAMESPACE = "AWS/RDS"


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A DB instance. `source` is the identifier of the one it replicates, `storage` what is allocated, in bytes;
    `insights`: whether Performance Insights are on. An unknown class leaves out what is a share of it."""

    identifier: str
    region: str
    instance_class: InstanceClass | None
    storage: int
    insights: bool = False
    source: str | None = None

    def minute(self, start: int) -> Minute:
        return Minute(namespace=NAMESPACE, region=self.region, start=start)


@dataclass(frozen=True, kw_only=True)
class Host:
    """What a server uses: cores (mean of the minute), bytes of memory and of swap, of its folder and of parts of it;
    `disk_free` is what is left on this machine's disk."""

    cores: float
    memory: int
    swapped: int
    data: int
    wal: int
    slots: int
    disk_free: int


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """At one look: connections of clients; those at work, on the processor and waiting for something."""

    connections: int
    running: int
    waiting: int


@dataclass(frozen=True, kw_only=True)
class InputOutput:
    """Since the server's statistics began: operations, bytes, and seconds spent in them if these are measured."""

    reads: int
    read_bytes: int
    read_seconds: float | None
    writes: int
    write_bytes: int
    write_seconds: float | None
    wal: int
    """Position in the write-ahead log, in bytes."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """At the end of a minute. Seconds and bytes; None for what a primary or a replica has not."""

    transaction_ids: int
    checkpoint_age: float
    oldest_slot_lag: int | None = None
    replica_lag: float | None = None


def host(minute: int, instance: Instance, found: Host) -> list[Datum]:
    into, names = instance.minute(minute), {"DBInstanceIdentifier": instance.identifier}
    free = max(0, min(instance.storage - found.data, found.disk_free))
    data = [
        into.value("FreeStorageSpace", free, "Bytes", **names),
        into.value("TransactionLogsDiskUsage", found.wal, "Bytes", **names),
        into.value("ReplicationSlotDiskUsage", found.slots, "Bytes", **names),
        into.value("SwapUsage", found.swapped, "Bytes", **names),
    ]
    if instance.instance_class:
        share = 100 * found.cores / instance.instance_class.vcpus
        data.append(into.value("CPUUtilization", share, "Percent", **names))
        freeable = max(0, instance.instance_class.memory - found.memory)
        data.append(into.value("FreeableMemory", freeable, "Bytes", **names))
    return data


def sessions(minute: int, instance: Instance, looks: Sequence[Sessions]) -> list[Datum]:
    """Every look is a data point. Database load is Performance Insights', which looks once a second, too."""
    if not looks:
        return []
    into, names = instance.minute(minute), {"DBInstanceIdentifier": instance.identifier}
    data = [into.values("DatabaseConnections", [look.connections for look in looks], "Count", **names)]
    if instance.insights:
        loads = {
            "DBLoad": [look.running + look.waiting for look in looks],
            "DBLoadCPU": [look.running for look in looks],
            "DBLoadNonCPU": [look.waiting for look in looks],
        }
        data += [into.values(name, load, "None", **names) for name, load in loads.items()]
    return data


def input_output(
    minute: int, instance: Instance, before: InputOutput, after: InputOutput, *, seconds: float
) -> list[Datum]:
    """Rates between two looks; nothing where the statistics were reset meanwhile. Latency is 0 without operations, as
    on AWS, and left out where PostgreSQL does not measure it."""
    if after.reads < before.reads or after.writes < before.writes or after.wal < before.wal:
        return []
    into, names = instance.minute(minute), {"DBInstanceIdentifier": instance.identifier}
    reads, writes = after.reads - before.reads, after.writes - before.writes
    rates: list[tuple[str, float, Unit]] = [
        ("ReadIOPS", reads / seconds, "Count/Second"),
        ("WriteIOPS", writes / seconds, "Count/Second"),
        ("ReadThroughput", (after.read_bytes - before.read_bytes) / seconds, "Bytes/Second"),
        ("WriteThroughput", (after.write_bytes - before.write_bytes) / seconds, "Bytes/Second"),
        ("TransactionLogsGeneration", (after.wal - before.wal) / seconds, "Bytes/Second"),
    ]
    for name, operations, earlier, later in (
        ("ReadLatency", reads, before.read_seconds, after.read_seconds),
        ("WriteLatency", writes, before.write_seconds, after.write_seconds),
    ):
        if earlier is not None and later is not None:
            rates.append((name, (later - earlier) / operations if operations else 0.0, "Seconds"))
    return [into.value(name, value, unit, **names) for name, value, unit in rates]


def engine(minute: int, instance: Instance, found: Engine) -> list[Datum]:
    into, names = instance.minute(minute), {"DBInstanceIdentifier": instance.identifier}
    data = [
        into.value("MaximumUsedTransactionIDs", found.transaction_ids, "Count", **names),
        into.value("CheckpointLag", found.checkpoint_age, "Seconds", **names),
    ]
    if found.oldest_slot_lag is not None:
        data.append(into.value("OldestReplicationSlotLag", found.oldest_slot_lag, "Bytes", **names))
    if found.replica_lag is not None:
        data.append(into.value("ReplicaLag", found.replica_lag, "Seconds", **names))
    return data
