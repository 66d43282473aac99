"""Storage of RDS instances: sizes, autoscaling, IOPS and throughput."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Level, Severity, rule
from preflight.rules.rds_common import (
    API,
    CFN_INSTANCE,
    CLUSTER,
    INSTANCE,
    USER_GUIDE,
    engine,
    given,
    inherited,
    is_member,
    storage,
)
from preflight.values import integer, text

_STORAGE_GUIDE = USER_GUIDE + "CHAP_Storage.html#gp3-storage"
_STRIPED_FROM = {"db2-ae": 400, "db2-se": 400, "mariadb": 400, "mysql": 400, "postgres": 400}
"""GiB from which RDS stripes a gp3 volume and lets its performance be chosen; Oracle's is below."""
_ORACLE_STRIPED_FROM = 200
_STRIPED_IOPS, _STRIPED_THROUGHPUT = 12_000, 500
_LEAST_IOPS = 1_000
_LEAST_GP2 = 20
_REPORTED_GP2 = 5
"""The API's text says 20 GiB; smaller volumes are made all the same:
https://github.com/ministryofjustice/cloud-platform-environments/pull/935 runs on 10 GiB."""
_SSD = {"gp2": (_REPORTED_GP2, 65_536), "gp3": (20, 65_536), "io1": (100, 65_536), "io2": (100, 65_536)}
_SIZES = {name: {**_SSD, "standard": (5, 3_072)} for name in ("mariadb", "mysql", "postgres")}
_ORACLE_SIZES = {**_SSD, "standard": (10, 3_072)}
_SQL_SERVER_SIZES = {name: (least, 16_384) for name, (least, _) in _SSD.items()} | {"standard": (20, 1_024)}


def _striped_from(instance: Resource) -> int | None:
    name = engine(instance) or ""
    return _ORACLE_STRIPED_FROM if name.startswith("oracle-") else _STRIPED_FROM.get(name)


@rule(
    "RDS-58",
    constraint=58,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The limit of storage autoscaling is at least 10% above the allocated storage",
    otherwise='"Invalid max storage size", or "must be increased by at least 10 percent".',
    remedy="Set MaxAllocatedStorage to 1.26 times AllocatedStorage or more, as AWS advises; 1.1 is the least.",
    source=USER_GUIDE + "USER_PIOPS.Autoscaling.html",
    types=(INSTANCE,),
)
def autoscaling_limit(instance: Resource) -> Iterator[Fault]:
    allocated, most = storage(instance), integer(instance.get("MaxAllocatedStorage"))
    if allocated is None or most is None or most <= 0:
        return
    if most * 10 < allocated * 11:
        yield Fault(at="MaxAllocatedStorage", message=f"{most} GiB at most, {allocated} GiB allocated")


@rule(
    "RDS-59",
    constraint=59,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="gp3 takes Iops and StorageThroughput from 400 GiB on (Oracle 200), and then not below the baseline",
    otherwise='"You can\'t specify IOPS or storage throughput for engine … and a storage size less than 400".',
    remedy="Leave both out below the limit; from it on use at least 12000 IOPS and 500 MiB/s.",
    source=_STORAGE_GUIDE,
    types=(INSTANCE,),
)
def gp3_performance(instance: Resource) -> Iterator[Fault]:
    if text(inherited(instance, "StorageType")) != "gp3" or is_member(instance):
        return
    allocated, limit = storage(instance), _striped_from(instance)
    if allocated is None or limit is None:
        return
    for name, least in (("Iops", _STRIPED_IOPS), ("StorageThroughput", _STRIPED_THROUGHPUT)):
        node = instance.get(name)
        if allocated < limit:
            if given(node):
                yield Fault(at=name, message=f"{name} with {allocated} GiB of gp3, allowed from {limit} GiB")
        elif (amount := integer(node)) is not None and amount < least:
            yield Fault(at=name, message=f"{name} of {amount} with {allocated} GiB of gp3, the least is {least}")


@rule(
    "RDS-59b",
    constraint=59,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="gp3 throughput is at most a quarter of the IOPS",
    otherwise="CreateDBInstance refuses the combination.",
    remedy="Raise Iops to four times StorageThroughput, or lower the throughput.",
    source=API + "API_ValidStorageOptions.html",
    types=(INSTANCE,),
)
def gp3_ratio(instance: Resource) -> Iterator[Fault]:
    if text(inherited(instance, "StorageType")) != "gp3":
        return
    iops, throughput = integer(instance.get("Iops")), integer(instance.get("StorageThroughput"))
    if iops is not None and throughput is not None and throughput * 4 > iops:
        yield Fault(at="StorageThroughput", message=f"{throughput} MiB/s of {iops} IOPS")


@rule(
    "RDS-59c",
    constraint=59,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="StorageThroughput is for gp3 only",
    otherwise="CreateDBInstance refuses the combination.",
    remedy="Leave StorageThroughput out, or use gp3.",
    source=CFN_INSTANCE + "#cfn-rds-dbinstance-storagethroughput",
    types=(INSTANCE,),
)
def throughput_of_gp3_only(instance: Resource) -> Iterator[Fault]:
    kind = text(inherited(instance, "StorageType"))
    if kind in ("gp2", "io1", "io2", "standard") and (integer(instance.get("StorageThroughput")) or 0) > 0:
        yield Fault(at="StorageThroughput", message=f"throughput for storage type {kind}")


def _sizes(instance: Resource) -> dict[str, tuple[int, int]]:
    """The least and the most GiB of each storage type, for the engine."""
    name = engine(instance) or ""
    if name.startswith("oracle-"):
        return _ORACLE_SIZES
    return _SQL_SERVER_SIZES if name.startswith("sqlserver-") else _SIZES.get(name, {})


@rule(
    "RDS-201",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="AllocatedStorage is within the range of its engine and storage type",
    otherwise='"Invalid storage size for engine name … and storage type …".',
    remedy="Use 20 GiB or more for gp2 and gp3, 100 GiB or more for io1 and io2; magnetic storage begins at 5 GiB for "
    "PostgreSQL, MySQL and MariaDB, at 10 for Oracle, at 20 for SQL Server.",
    source=API + "API_CreateDBInstance.html",
    types=(INSTANCE,),
)
def storage_size(instance: Resource) -> Iterator[Fault]:
    kind, allocated = text(inherited(instance, "StorageType")), integer(instance.get("AllocatedStorage"))
    limits = _sizes(instance).get(kind or "")
    if limits is None or allocated is None or is_member(instance):
        return
    least, most = limits
    if not least <= allocated <= most:
        yield Fault(at="AllocatedStorage", message=f"{allocated} GiB of {kind}, which takes {least} to {most}")


@rule(
    "RDS-201b",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A gp2 volume has the 20 GiB that RDS documents as the least",
    otherwise="RDS may refuse the size, although it has been seen to take 5 GiB and more.",
    remedy="Allocate 20 GiB.",
    source=API + "API_CreateDBInstance.html",
    types=(INSTANCE,),
    level=Level.WARNING,
)
def documented_gp2_size(instance: Resource) -> Iterator[Fault]:
    kind, allocated = text(inherited(instance, "StorageType")), integer(instance.get("AllocatedStorage"))
    if kind != "gp2" or allocated is None or is_member(instance) or kind not in _sizes(instance):
        return
    if _REPORTED_GP2 <= allocated < _LEAST_GP2:
        yield Fault(at="AllocatedStorage", message=f"{allocated} GiB of gp2, documented from {_LEAST_GP2}")


@rule(
    "RDS-202",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="io1 and io2 come with at least 1000 IOPS, io1 with 0.5 to 50 per GiB",
    otherwise="CreateDBInstance or CreateDBCluster refuses the storage.",
    remedy="Set Iops to 1000 or more, and for io1 to between half and fifty times AllocatedStorage.",
    source=API + "API_CreateDBInstance.html",
    types=(INSTANCE, CLUSTER),
)
def provisioned_iops(resource: Resource) -> Iterator[Fault]:
    kind, node = text(resource.get("StorageType")), resource.get("Iops")
    if kind not in ("io1", "io2") or is_member(resource):
        return
    if node.absent:
        # A Multi-AZ cluster without Iops is RDS-68's.
        if resource.type == INSTANCE and inherited(resource, "Iops").absent:
            yield Fault(at="Iops", message=f"storage type {kind} without Iops")
        return
    iops, allocated = integer(node), storage(resource)
    if iops is None:
        return
    if iops < _LEAST_IOPS:
        yield Fault(at="Iops", message=f"{iops} IOPS, the least is {_LEAST_IOPS}")
    elif allocated and kind == "io1" and not allocated <= iops * 2 <= allocated * 100:
        yield Fault(at="Iops", message=f"{iops} IOPS for {allocated} GiB")
