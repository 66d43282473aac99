"""RDS and ElastiCache: instances by the hour, storage and backups by the GB."""

from __future__ import annotations

from collections.abc import Iterator

from plan.cost.lines import Costing, Line, priced
from plan.cost.prices import HOURS, UnpricedError
from plan.cost.values import number, true
from preflight.assembly import Resource, references_in
from preflight.values import text

_FREE_IOPS = ((400.0, 12_000.0), (0.0, 3_000.0))
"""Storage in GB from which gp3 includes this many IOPS with PostgreSQL: Amazon RDS User Guide, "gp3 storage"."""


@priced("AWS::RDS::DBInstance")
def _instance(resource: Resource, costing: Costing) -> Iterator[Line]:
    source = source_of(resource)
    engine = text((source or resource).get("Engine"))
    if engine != "postgres":
        raise UnpricedError(f"no prices for the engine {engine}")
    instance_class = text(resource.get("DBInstanceClass")) or "a class that the deployment decides"
    placement = "multi_az" if true(resource.get("MultiAZ")) else "single_az"
    words = "Multi-AZ" if placement == "multi_az" else "one zone"
    key = f"rds.postgres.{instance_class}.{placement}"
    yield costing.line(resource, "RDS", f"{instance_class}, {words}", key, HOURS, assumption="all hours")
    yield from _storage(resource, source or resource, placement, costing)
    if source is None:
        yield from _backups(resource, costing)


def source_of(instance: Resource) -> Resource | None:
    """The instance that this one is a read replica of."""
    if instance.get("SourceDBInstanceIdentifier").absent:
        return None
    used = references_in(instance.get("SourceDBInstanceIdentifier").value)
    return next((one for one in used if one.type == "AWS::RDS::DBInstance"), None)


def _storage(resource: Resource, sized: Resource, placement: str, costing: Costing) -> Iterator[Line]:
    gb = number(sized.get("AllocatedStorage"))
    kind = text(resource.get("StorageType")) or "gp2"
    most = number(resource.get("MaxAllocatedStorage"), gb)
    grows = f"; grows by itself up to {most:g} GB" if most > gb else ""
    yield costing.line(
        resource,
        "RDS",
        f"{kind} storage",
        f"rds.storage.{kind}.{placement}",
        gb,
        assumption=f"as allocated{grows}",
    )
    if kind == "gp3" and not resource.get("Iops").absent:
        included = next(iops for size, iops in _FREE_IOPS if gb >= size)
        if (extra := number(resource.get("Iops")) - included) > 0:
            yield costing.line(resource, "RDS", "IOPS beyond gp3's own", f"rds.iops.gp3_extra.{placement}", extra)


def _backups(resource: Resource, costing: Costing) -> Iterator[Line]:
    gb, days = number(resource.get("AllocatedStorage")), number(resource.get("BackupRetentionPeriod"), 1)
    changed = costing.usage.backup_changed_percent / 100
    said = f"a full disk, {costing.usage.backup_changed_percent} % changed a day, {days:g} days"
    # A full copy is as large as the provisioned storage, which is free; what changes comes on top.
    yield costing.line(
        resource,
        "RDS",
        "automated backups beyond the free size",
        "rds.backup_storage",
        gb * changed * days,
        assumption=said,
    )
    region = text(resource.get("AutomaticBackupReplicationRegion"))
    if region:
        kept = number(resource.get("AutomaticBackupReplicationRetentionPeriod"), 7)
        yield costing.line(
            resource,
            "RDS",
            f"copies of the backups in {region}",
            "rds.backup_storage",
            gb * (1 + changed * kept),
            region=region,
            assumption=said,
        )
        yield costing.line(
            resource,
            "Data transfer",
            f"backups to {region}",
            "data_transfer.inter_region",
            gb * changed * 30,
            assumption="what changes in 30 days",
        )


@priced("AWS::ElastiCache::ReplicationGroup")
def _valkey(resource: Resource, costing: Costing) -> Iterator[Line]:
    node = text(resource.get("CacheNodeType")) or "a type that the deployment decides"
    engine = text(resource.get("Engine")) or "redis"
    groups, replicas = number(resource.get("NumNodeGroups"), 1), number(resource.get("ReplicasPerNodeGroup"), 0)
    if resource.get("ReplicasPerNodeGroup").absent and not resource.get("NumCacheClusters").absent:
        replicas = number(resource.get("NumCacheClusters")) - 1
    nodes = groups * (1 + replicas)
    yield costing.line(
        resource,
        "ElastiCache",
        f"{nodes:g} × {node}, {engine}",
        f"elasticache.{engine}.{node}",
        nodes * HOURS,
        assumption="all hours",
    )
    if number(resource.get("SnapshotRetentionLimit"), 0) > 0:
        raise UnpricedError("the size of its snapshots is not known; the nodes are priced")
