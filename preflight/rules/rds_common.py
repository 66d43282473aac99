"""What the RDS rules share: inherited properties, parameter group families, and the dated lists in `preflight/data`."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from preflight.assembly import Resource
from preflight.rules.support import written
from preflight.values import Node, Unknown, integer, target, text

INSTANCE = "AWS::RDS::DBInstance"
CLUSTER = "AWS::RDS::DBCluster"
PARAMETER_GROUP = "AWS::RDS::DBParameterGroup"
CLUSTER_PARAMETER_GROUP = "AWS::RDS::DBClusterParameterGroup"

USER_GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/"
API = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/"
CFN_INSTANCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbinstance.html"

_RESTORED_FROM = (
    "DBSnapshotIdentifier",
    "DBClusterSnapshotIdentifier",
    "SnapshotIdentifier",
    "SourceDBInstanceAutomatedBackupsArn",
    "SourceDBClusterIdentifier",
    "SourceDBInstanceIdentifier",
    "SourceDbiResourceId",
    "ReplicationSourceIdentifier",
    "RestoreTime",
)
_FAMILY = re.compile(r"(aurora-postgresql|aurora-mysql|postgres|mysql|mariadb)(\d{1,4}(?:\.\d{1,4})?)")


@cache
def data(name: str) -> Any:
    """A dated list from `preflight/data`."""
    return json.loads((Path(__file__).parents[1] / "data" / name).read_text(encoding="utf-8"))


def given(node: Node) -> bool:
    """A value certainly reaches AWS, known or not: not left to a condition or to a parameter that may be empty."""
    if node.absent or not isinstance(node.value, Unknown):
        return not node.absent
    raw = written(node)
    return not (isinstance(raw, dict) and len(raw) == 1 and next(iter(raw)) in ("Ref", "Fn::If"))


def is_copy(resource: Resource) -> bool:
    """Restored or replicated from something that exists: it takes the engine, the login and more from there."""
    return any(not resource.get(name).absent for name in _RESTORED_FROM)


def is_member(instance: Resource) -> bool:
    """Part of a cluster, which then manages most settings."""
    return not instance.get("DBClusterIdentifier").absent


def source(resource: Resource) -> Resource | None:
    """The instance or cluster of this assembly that a read replica copies."""
    for name in ("SourceDBInstanceIdentifier", "SourceDBClusterIdentifier", "ReplicationSourceIdentifier"):
        if found := target(resource.get(name), INSTANCE, CLUSTER):
            return found if found is not resource else None
    return None


def inherited(resource: Resource, name: str) -> Node:
    """The property, or where it is not set that of the cluster or of the replica's source."""
    node = resource.get(name)
    if node.absent and resource.type == INSTANCE:
        owner = target(resource.get("DBClusterIdentifier"), CLUSTER) or source(resource)
        if owner is not None:
            return owner.get(name)
    return node


def engine(resource: Resource) -> str | None:
    found = text(inherited(resource, "Engine"))
    return found.lower() if found else None


def version(resource: Resource) -> str | None:
    return text(inherited(resource, "EngineVersion"))


def storage(instance: Resource) -> int | None:
    """Allocated GiB, a replica's from its source."""
    return integer(inherited(instance, "AllocatedStorage"))


def is_postgres(name: str | None) -> bool:
    return name in ("postgres", "aurora-postgresql")


def split_family(family: str) -> tuple[str, str] | None:
    """Engine and version of a parameter group family of PostgreSQL, MySQL or MariaDB."""
    match = _FAMILY.fullmatch(family.lower())
    return (match[1], match[2]) if match else None


def family_of(engine_name: str, engine_version: str) -> str | None:
    """The family that a version belongs to: postgres17 for 17.9, mysql8.4 for 8.4.7."""
    match = re.match(r"(\d{1,4})(?!\d)(?:\.(\d{1,4}))?", engine_version)
    if match is None:
        return None
    if is_postgres(engine_name) and int(match[1]) >= 10:
        return f"{engine_name}{match[1]}"
    if match[2] is None or engine_name not in ("postgres", "aurora-postgresql", "mysql", "mariadb", "aurora-mysql"):
        return None
    return f"{engine_name}{match[1]}.{match[2]}"
