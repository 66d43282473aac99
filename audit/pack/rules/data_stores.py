"""Databases, queues, buckets and vaults: what must not be lost, and must not be read at rest."""

from __future__ import annotations

from collections.abc import Iterator

from audit.pack.rule import Breach, rule
from preflight.assembly import Assembly, Resource
from preflight.values import Node, boolean, entries, integer, strings, target, text

_INSTANCE, _CLUSTER = "AWS::RDS::DBInstance", "AWS::RDS::DBCluster"
_STORES = (
    _INSTANCE,
    _CLUSTER,
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::S3::Bucket",
    "AWS::DynamoDB::Table",
    "AWS::EFS::FileSystem",
    "AWS::Backup::BackupVault",
)
_KEEPS = ("Retain", "RetainExceptOnCreate", "Snapshot")


@rule(
    "StatefulProtected",
    title="What holds data outlives its stack, and nobody deletes it by mistake",
    why="A deleted stack or a replaced resource takes the data along, and backups are the only way back",
    remedy="Set the removal policy to retain, and deletion protection on databases.",
    controls=("CP-9", "SC-28", "SI-12"),
)
def stateful_protected(assembly: Assembly) -> Iterator[Breach]:
    for store in assembly.of_type(*_STORES):
        missing = [key for key in ("DeletionPolicy", "UpdateReplacePolicy") if store.attribute(key) not in _KEEPS]
        if store.type in (_INSTANCE, _CLUSTER) and boolean(store.get("DeletionProtection")) is not True:
            missing.append("DeletionProtection")
        if missing:
            yield Breach(resource=store, message=f"Not kept by {', '.join(missing)}")


@rule(
    "ReplicaEncrypted",
    title="Databases are encrypted at rest, and so is every replica",
    why="A copy that is not encrypted gives away what its source protects",
    remedy="Encrypt the source (StorageEncrypted); a replica in its region inherits the key, one in another region "
    "names a key of that region (KmsKeyId).",
    controls=("SC-13", "SC-28"),
)
def databases_encrypted(assembly: Assembly) -> Iterator[Breach]:
    for instance in assembly.of_type(_INSTANCE):
        source = instance.get("SourceDBInstanceIdentifier")
        if source.absent:
            if boolean(instance.get("StorageEncrypted")) is not True:
                yield Breach(resource=instance, message="It is not encrypted at rest", at="StorageEncrypted")
            continue
        own = boolean(instance.get("StorageEncrypted"))
        origin = target(source, _INSTANCE)
        if own is False:
            yield Breach(resource=instance, message="The replica is not encrypted", at="StorageEncrypted")
        elif origin is None and instance.get("KmsKeyId").absent:
            message = "The replica's source is not in this app, and it names no key"
            yield Breach(resource=instance, message=message, at="KmsKeyId")
        elif origin is not None and boolean(origin.get("StorageEncrypted")) is not True:
            message = f"The replica's source {origin.construct_path} is not encrypted"
            yield Breach(resource=instance, message=message, at="SourceDBInstanceIdentifier")
    for group in assembly.of_type("AWS::ElastiCache::ReplicationGroup"):
        for key in ("AtRestEncryptionEnabled", "TransitEncryptionEnabled"):
            if boolean(group.get(key)) is not True:
                yield Breach(resource=group, message=f"{key} is not on", finding=key, at=key)


@rule(
    "BackedUp",
    title="Databases keep automated backups, and the backup plan finds what it should",
    why="A table that was dropped an hour ago comes back from a backup or not at all",
    remedy="Set BackupRetentionPeriod; where the app has a backup plan, give the database the tag that its selection "
    "asks for.",
    controls=("CP-9", "CP-10"),
)
def backed_up(assembly: Assembly) -> Iterator[Breach]:
    wanted = _selected_tags(assembly)
    for instance in assembly.of_type(_INSTANCE):
        if not instance.get("SourceDBInstanceIdentifier").absent:
            continue
        if not integer(instance.get("BackupRetentionPeriod")):
            message = "It keeps no automated backups"
            yield Breach(resource=instance, message=message, finding="Automated", at="BackupRetentionPeriod")
        if wanted and not wanted & _tags(instance):
            message = "No backup plan selects it"
            yield Breach(resource=instance, message=message, finding="Plan", at="Tags")


def _selected_tags(assembly: Assembly) -> set[tuple[str, str]]:
    found = set()
    for selection in assembly.of_type("AWS::Backup::BackupSelection"):
        for node in entries(selection.get("BackupSelection", "ListOfTags")):
            key, value = text(node.get("ConditionKey")), text(node.get("ConditionValue"))
            if key and value:
                found.add((key, value))
    return found


def _tags(resource: Resource) -> set[tuple[str, str]]:
    pairs = ((text(node.get("Key")), text(node.get("Value"))) for node in entries(resource.get("Tags")))
    return {(key, value) for key, value in pairs if key and value}


@rule(
    "BucketTlsOnly",
    title="Every bucket refuses requests without TLS",
    why="Receipts and logs would cross the network in the clear, and a signed request could be read and sent again",
    remedy="Add the statement that denies s3:* where aws:SecureTransport is false (enforce_ssl in CDK).",
    controls=("SC-8", "AC-17(2)"),
)
def buckets_tls_only(assembly: Assembly) -> Iterator[Breach]:
    for bucket in assembly.of_type("AWS::S3::Bucket"):
        if not any(_denies_plain(statement) for statement in _bucket_statements(assembly, bucket)):
            yield Breach(resource=bucket, message="Its policy does not refuse requests without TLS")


@rule(
    "BucketPrivate",
    title="No bucket is public",
    why="Anybody could read, or put in, what the bucket holds",
    remedy="Block all four kinds of public access, and name principals in the bucket's policy.",
    controls=("AC-3", "AC-6", "SC-7"),
)
def buckets_private(assembly: Assembly) -> Iterator[Breach]:
    for bucket in assembly.of_type("AWS::S3::Bucket"):
        block = bucket.get("PublicAccessBlockConfiguration")
        for key in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"):
            if boolean(block.get(key)) is not True:
                yield Breach(
                    resource=bucket,
                    message=f"Public access is not blocked: {key} is not on",
                    finding=key,
                    at="PublicAccessBlockConfiguration",
                )
        if (acl := text(bucket.get("AccessControl"))) and acl.startswith("Public"):
            yield Breach(resource=bucket, message=f"Its ACL is {acl}", finding="Acl", at="AccessControl")
        for statement in _bucket_statements(assembly, bucket):
            if _opens_to_all(statement):
                yield Breach(resource=bucket, message="Its policy allows everybody", finding="Policy")


def _bucket_statements(assembly: Assembly, bucket: Resource) -> Iterator[Node]:
    for policy in assembly.of_type("AWS::S3::BucketPolicy"):
        if target(policy.get("Bucket"), "AWS::S3::Bucket") is bucket:
            yield from entries(policy.get("PolicyDocument", "Statement"))


def _denies_plain(statement: Node) -> bool:
    return (
        text(statement.get("Effect")) == "Deny"
        and boolean(statement.get("Condition", "Bool", "aws:SecureTransport")) is False
        and any(action in ("s3:*", "*") for action in strings(statement.get("Action")))
    )


def _opens_to_all(statement: Node) -> bool:
    principal = statement.get("Principal")
    everybody = principal.value == "*" or "*" in strings(principal.get("AWS"))
    return everybody and text(statement.get("Effect")) == "Allow" and statement.get("Condition").absent
