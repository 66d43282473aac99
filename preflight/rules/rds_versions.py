"""Engine versions and instance classes that RDS still creates, and parameter group families that go with them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.rds_common import (
    CLUSTER,
    CLUSTER_PARAMETER_GROUP,
    INSTANCE,
    PARAMETER_GROUP,
    USER_GUIDE,
    data,
    engine,
    family_of,
    is_copy,
    is_member,
    is_postgres,
    split_family,
    version,
)
from preflight.values import Node, target, text

_FAMILY_ENGINES = ("aurora", "aurora-mysql", "aurora-postgresql", "mariadb", "mysql", "postgres")
_OTHER_FAMILIES = ("aurora5", "custom-", "db2-", "docdb", "neptune", "oracle-", "sqlserver-")


@rule(
    "RDS-52",
    constraint=52,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The engine version can still be created",
    otherwise="CreateDBInstance or CreateDBCluster answers that it cannot find the version.",
    remedy="Take a version that describe-db-engine-versions lists as available.",
    source=USER_GUIDE + "PostgreSQL.Concepts.General.DBVersions.html",
    types=(INSTANCE, CLUSTER, "AWS::RDS::GlobalCluster"),
)
def creatable_version(resource: Resource) -> Iterator[Fault]:
    if is_copy(resource) or is_member(resource):
        return
    name, wanted = text(resource.get("Engine")), text(resource.get("EngineVersion"))
    if name is None or wanted is None:
        return
    listed = data("rds_engine_versions.json")
    versions = listed["engines"].get(name.lower())
    if versions is None or wanted in versions["creatable"]:
        return
    # A bare major means the newest minor, as long as there is one.
    if any(other.startswith(f"{wanted}.") for other in versions["creatable"]):
        return
    if any(other == wanted or other.startswith(f"{wanted}.") for other in versions["withdrawn"]):
        yield Fault(at="EngineVersion", message=f"{name} {wanted} is no longer created (list of {listed['date']})")
    elif _never_was(wanted, versions["creatable"] + versions["withdrawn"]):
        yield Fault(at="EngineVersion", message=f"RDS has no {name} {wanted} (list of {listed['date']})")


def _never_was(wanted: str, versions: list[str]) -> bool:
    """Lower than a minor that the list has, so not a newer one that the list lacks."""
    major, dot, minor = wanted.rpartition(".")
    if not dot or not minor.isdecimal() or len(minor) > 4:
        return False
    tails = [other.removeprefix(f"{major}.") for other in versions if other.startswith(f"{major}.")]
    minors = [int(tail) for tail in tails if tail.isdecimal()]
    return bool(minors) and int(minor) < max(minors)


@rule(
    "RDS-53",
    constraint=53,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A parameter group belongs to the family of the database's engine and major version",
    otherwise='"The parameter group … cannot be used for this instance"; the stack rolls back.',
    remedy="Give the group the family of the engine version: postgres17 for PostgreSQL 17.x.",
    source="https://github.com/remind101/stacker_blueprints/issues/69",
    types=(INSTANCE, CLUSTER),
)
def family_matches(resource: Resource) -> Iterator[Fault]:
    if resource.type == INSTANCE:
        groups = [(resource.get("DBParameterGroupName"), PARAMETER_GROUP)]
    else:
        groups = [
            (resource.get("DBClusterParameterGroupName"), CLUSTER_PARAMETER_GROUP),
            (resource.get("DBInstanceParameterGroupName"), PARAMETER_GROUP),
        ]
    for node, kind in groups:
        family = _family(node, kind) if not node.absent else None
        if family is not None and (problem := _mismatch(resource, family)):
            yield Fault(at=node.path(), message=problem)


def _family(node: Node, kind: str) -> str | None:
    if group := target(node, kind):
        return text(group.get("Family"))
    name = text(node) or ""
    default = name.removeprefix("default.")
    return default if default != name and split_family(default) else None


def _mismatch(resource: Resource, family: str) -> str | None:
    name = engine(resource)
    if name not in _FAMILY_ENGINES or name == "aurora":
        return None
    parts = split_family(family)
    if parts is None or parts[0] != name:
        return f"family {family} is not one of engine {name}"
    wanted = version(resource)
    expected = family_of(name, wanted) if wanted else None
    return (
        f"family {family}, but version {wanted} needs {expected}" if expected and expected != family.lower() else None
    )


@rule(
    "RDS-53b",
    constraint=53,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A parameter group's family is one that RDS has",
    otherwise='"… is not a valid parameter group family".',
    remedy="Write the engine and its major version without a minor: postgres17, aurora-postgresql17, mysql8.4.",
    source="https://github.com/terraform-aws-modules/terraform-aws-rds/issues/173",
    types=(PARAMETER_GROUP, CLUSTER_PARAMETER_GROUP),
)
def family_exists(group: Resource) -> Iterator[Fault]:
    family = text(group.get("Family"))
    if family is None or family.lower().startswith(_OTHER_FAMILIES):
        return
    parts = split_family(family)
    if parts is None or family_of(*parts) != family.lower():
        yield Fault(at="Family", message=f"there is no family {family}")


@rule(
    "RDS-68",
    constraint=68,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A Multi-AZ DB cluster has a class with local storage, allocated storage and provisioned IOPS",
    otherwise="CreateDBCluster refuses the cluster.",
    remedy="Use a class such as db.m6gd or db.r6gd with AllocatedStorage and Iops, or a Multi-AZ DB instance.",
    source=USER_GUIDE + "multi-az-db-clusters-concepts.html",
    types=(CLUSTER,),
)
def multi_az_cluster(cluster: Resource) -> Iterator[Fault]:
    name = text(cluster.get("Engine"))
    if name is None or name.lower() not in ("postgres", "mysql"):
        return
    for required in ("DBClusterInstanceClass", "AllocatedStorage", "Iops"):
        if cluster.get(required).absent and not is_copy(cluster):
            yield Fault(at=required, message=f"a Multi-AZ {name} cluster without {required}")
    instance_class = text(cluster.get("DBClusterInstanceClass")) or ""
    # Every supported family has NVMe storage, which its name says with a d: m5d, m6gd, r6idn, x2iedn.
    match = re.fullmatch(r"db\.([a-z]+\d+)([a-z]*)\..+", instance_class)
    if match and "d" not in match[2]:
        yield Fault(at="DBClusterInstanceClass", message=f"{instance_class} has no local storage")
    if is_postgres(name.lower()) and text(cluster.get("StorageType")) in ("gp2", "standard", "aurora"):
        yield Fault(at="StorageType", message=f"storage type {text(cluster.get('StorageType'))}")
