"""Read replicas, and backups that are copied to another region."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.assembly import Assembly, Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.rds_common import API, CFN_INSTANCE, INSTANCE, USER_GUIDE, engine, given, source
from preflight.values import Node, Text, boolean, integer, target, text

KEYS = ("AWS::KMS::Key", "AWS::KMS::ReplicaKey")

_ARN_REGION = re.compile(r"arn:[^:\0]+:(?:rds|kms):([a-z0-9-]+):")
_REPLICA_LIMITS = {"mariadb": 15, "mysql": 15, "postgres": 15}


def arn_region(node: Node) -> str | None:
    """The region in an ARN that is known that far."""
    value = node.value
    match = _ARN_REGION.match(value.literal if isinstance(value, Text) else value if isinstance(value, str) else "")
    return match[1] if match else None


def key_region(node: Node) -> str | None:
    """Where a KMS key is: by its ARN, or by the stack that makes it."""
    if region := arn_region(node):
        return region
    key = target(node, *KEYS)
    return key.stack.region if key else None


def source_region(replica: Resource) -> str | None:
    """Where a replica's source is; None where the template does not say."""
    if stated := text(replica.get("SourceRegion")):
        return stated
    node = replica.get("SourceDBInstanceIdentifier")
    if region := arn_region(node):
        return region
    if owner := target(node, INSTANCE):
        return owner.stack.region
    name = text(node)
    # RDS takes a bare identifier for one of its own region.
    return replica.stack.region if name and not name.startswith("arn:") else None


def _same_region(replica: Resource) -> bool | None:
    owner = target(replica.get("SourceDBInstanceIdentifier"), INSTANCE)
    if owner is not None and owner.stack is replica.stack and replica.get("SourceRegion").absent:
        return True
    there, here = source_region(replica), replica.stack.region
    return None if there is None or here is None else there == here


@rule(
    "RDS-63",
    constraint=63,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Encrypted backups are copied under a key of the region they go to",
    otherwise='"Encrypted instances require a valid KMS key ID".',
    remedy="Make a key there first, and give its ARN as AutomaticBackupReplicationKmsKeyId.",
    source=CFN_INSTANCE + "#cfn-rds-dbinstance-automaticbackupreplicationkmskeyid",
    types=(INSTANCE,),
)
def copy_key(instance: Resource) -> Iterator[Fault]:
    region = text(instance.get("AutomaticBackupReplicationRegion"))
    if not region:
        return
    key = instance.get("AutomaticBackupReplicationKmsKeyId")
    if key.absent:
        if boolean(instance.get("StorageEncrypted")):
            yield Fault(at=key.path(), message=f"encrypted backups go to {region} without a key there")
    elif where := key_region(key):
        if where != region:
            yield Fault(at=key.path(), message=f"a key of {where}, the backups go to {region}")
    elif (name := text(key)) is not None and not name.startswith("arn:"):
        yield Fault(at=key.path(), message=f"{name} is not the ARN of a key")


@rule(
    "RDS-63b",
    constraint=63,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Backups that are copied exist, and go to another region",
    otherwise="RDS refuses to start the replication of backups.",
    remedy="Set BackupRetentionPeriod to 1 or more, and name a region other than the instance's.",
    source=USER_GUIDE + "USER_ReplicateBackups.html",
    types=(INSTANCE,),
)
def copied_backups(instance: Resource) -> Iterator[Fault]:
    region = text(instance.get("AutomaticBackupReplicationRegion"))
    if not region:
        return
    if region == instance.stack.region:
        yield Fault(at="AutomaticBackupReplicationRegion", message=f"{region} is the instance's own region")
    if integer(instance.get("BackupRetentionPeriod")) == 0:
        yield Fault(at="BackupRetentionPeriod", message="no backups to copy")


@rule(
    "RDS-63c",
    constraint=63,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="Settings for copied backups come with the region they go to",
    otherwise="No backup is copied, and nothing says so.",
    remedy="Set AutomaticBackupReplicationRegion.",
    source=CFN_INSTANCE + "#cfn-rds-dbinstance-automaticbackupreplicationretentionperiod",
    types=(INSTANCE,),
)
def copy_without_region(instance: Resource) -> Iterator[Fault]:
    if not instance.get("AutomaticBackupReplicationRegion").absent:
        return
    for name in ("AutomaticBackupReplicationKmsKeyId", "AutomaticBackupReplicationRetentionPeriod"):
        if given(instance.get(name)):
            yield Fault(at=name, message="set without AutomaticBackupReplicationRegion")
            return


def _replicates(instance: Resource) -> bool:
    """A read replica, not a restore to a point in time, which has the same source property."""
    restoring = not (instance.get("RestoreTime").absent and instance.get("UseLatestRestorableTime").absent)
    return given(instance.get("SourceDBInstanceIdentifier")) and not restoring


@rule(
    "RDS-64",
    constraint=64,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A replica takes its master user, and in its source's region its key, from the source",
    otherwise="CreateDBInstanceReadReplica refuses the property.",
    remedy="Leave MasterUsername and (in the same region) KmsKeyId out.",
    source=CFN_INSTANCE + "#cfn-rds-dbinstance-kmskeyid",
    types=(INSTANCE,),
)
def replica_properties(replica: Resource) -> Iterator[Fault]:
    if not _replicates(replica):
        return
    if given(replica.get("MasterUsername")):
        yield Fault(at="MasterUsername", message="a replica has that of its source")
    if given(replica.get("KmsKeyId")) and _same_region(replica):
        yield Fault(at="KmsKeyId", message="a replica in the same region has the key of its source")


@rule(
    "RDS-64b",
    constraint=64,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The source of a read replica keeps backups",
    otherwise="CreateDBInstanceReadReplica refuses the source.",
    remedy="Set the source's BackupRetentionPeriod to 1 or more.",
    source=API + "API_CreateDBInstanceReadReplica.html",
)
def source_backups(assembly: Assembly) -> Iterator[Fault]:
    sources = {owner: replica for replica in assembly.of_type(INSTANCE) if (owner := source(replica))}
    for owner, replica in sources.items():
        if integer(owner.get("BackupRetentionPeriod")) == 0:
            message = f"no backups, copied by {replica.construct_path}"
            yield Fault(at="BackupRetentionPeriod", message=message, resource=owner)


@rule(
    "RDS-64c",
    constraint=64,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An instance has at most 15 read replicas",
    otherwise="CreateDBInstanceReadReplica refuses the next one.",
    remedy="Make fewer, or replicas of replicas.",
    source=API + "API_CreateDBInstanceReadReplica.html",
)
def replica_count(assembly: Assembly) -> Iterator[Fault]:
    counts: dict[Resource, int] = {}
    for replica in assembly.of_type(INSTANCE):
        if owner := source(replica):
            counts[owner] = counts.get(owner, 0) + 1
    for owner, count in counts.items():
        limit = _REPLICA_LIMITS.get(engine(owner) or "")
        if limit is not None and count > limit:
            yield Fault(
                at="DBInstanceIdentifier", message=f"{count} read replicas, {limit} are allowed", resource=owner
            )


@rule(
    "RDS-64d",
    constraint=64,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A replica of an encrypted instance in another region has a key of its own region",
    otherwise="CreateDBInstanceReadReplica asks for a KMS key of the destination.",
    remedy="Give KmsKeyId a key of the replica's region, and the source by its ARN.",
    source=API + "API_CreateDBInstanceReadReplica.html",
    types=(INSTANCE,),
)
def cross_region_key(replica: Resource) -> Iterator[Fault]:
    if replica.get("SourceDBInstanceIdentifier").absent or _same_region(replica) is not False:
        return
    owner, key = source(replica), replica.get("KmsKeyId")
    if key.absent:
        if owner is not None and boolean(owner.get("StorageEncrypted")):
            yield Fault(at="KmsKeyId", message="the source is encrypted, in another region")
    elif (where := key_region(key)) and where != replica.stack.region:
        yield Fault(at="KmsKeyId", message=f"a key of {where} for a replica in {replica.stack.region}")


@rule(
    "RDS-64e",
    constraint=64,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="A replica does not set what it has from its source",
    otherwise="RDS refuses the property, or CloudFormation ignores it and reports drift.",
    remedy="Leave DBName, MasterUserPassword and DBSnapshotIdentifier out of a replica.",
    source=CFN_INSTANCE + "#cfn-rds-dbinstance-sourcedbinstanceidentifier",
    types=(INSTANCE,),
)
def inherited_properties(replica: Resource) -> Iterator[Fault]:
    if _replicates(replica):
        for name in ("DBName", "MasterUserPassword", "DBSnapshotIdentifier"):
            if given(replica.get(name)):
                yield Fault(at=name, message="a replica has that of its source")
