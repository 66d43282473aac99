"""What a template says about one data store, by its type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from preflight.assembly import Resource
from preflight.values import Node, boolean, entries, integer, reference, target, text

AWS_KEY = "AWS's own key"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """`encrypted` and `tls` are None where the template leaves it open. Texts are for people; days are whole days.

    `own_key`: a KMS key of this account that its owner can take away, and not one that AWS holds.
    """

    title: str
    encrypted: bool | None
    encryption: str
    key: str
    own_key: bool
    tls: bool | None
    transit: str
    backup_days: int | None = None
    backup: str = ""
    copy_of: str = ""
    versioned: bool = False
    version_days: int | None = None
    kept_days: int | None = None
    kept: str = ""
    replicas: tuple[str, ...] = ()


def of(resource: Resource) -> Facts | None:
    """The facts of a data store; None of what is none."""
    describe = DESCRIBED.get(resource.type)
    return describe(resource) if describe else None


def _database(resource: Resource) -> Facts:
    source = target(resource.get("SourceDBInstanceIdentifier"), "AWS::RDS::DBInstance")
    encrypted = boolean(resource.get("StorageEncrypted"))
    key = _key(resource.get("KmsKeyId"))
    encryption = "AES-256, RDS storage encryption" if encrypted else "none"
    if source is not None and resource.get("StorageEncrypted").absent:
        # A replica is as its source is:
        # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.html
        encrypted, key = boolean(source.get("StorageEncrypted")), _key(source.get("KmsKeyId"))
        encryption = f"{'as' if encrypted else 'none, as'} its source {_short(source)}"
    days = integer(resource.get("BackupRetentionPeriod"))
    copy = text(resource.get("AutomaticBackupReplicationRegion"))
    forced = _forced_tls(resource)
    return Facts(
        title=f"PostgreSQL {text(resource.get('EngineVersion')) or ''}".strip() + (", replica" if source else ""),
        encrypted=bool(encrypted),
        encryption=encryption,
        key=key or AWS_KEY,
        own_key=bool(key),
        tls=forced,
        transit="rds.force_ssl: connections without TLS are refused" if forced else "TLS is not forced",
        backup_days=days,
        backup=f"daily snapshots and transaction logs, {days} days" if days else "",
        copy_of=source.construct_path if source else "",
        replicas=(copy,) if copy else (),
    )


def _forced_tls(resource: Resource) -> bool:
    """RDS for PostgreSQL sets rds.force_ssl from version 15 on.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html
    """
    group = target(resource.get("DBParameterGroupName"), "AWS::RDS::DBParameterGroup")
    written = text(group.get("Parameters", "rds.force_ssl")) if group else None
    if written is not None:
        return written == "1"
    source = target(resource.get("SourceDBInstanceIdentifier"), "AWS::RDS::DBInstance")
    version = text((source or resource).get("EngineVersion")) or ""
    major = version.partition(".")[0]
    return major.isdigit() and int(major) >= 15


def _valkey(resource: Resource) -> Facts:
    encrypted = bool(boolean(resource.get("AtRestEncryptionEnabled")))
    key = _key(resource.get("KmsKeyId"))
    tls = bool(boolean(resource.get("TransitEncryptionEnabled"))) and (
        text(resource.get("TransitEncryptionMode")) in (None, "required")
    )
    days = integer(resource.get("SnapshotRetentionLimit"))
    return Facts(
        title=f"ElastiCache {text(resource.get('Engine')) or ''} {text(resource.get('EngineVersion')) or ''}".strip(),
        encrypted=encrypted,
        encryption="AES-256, ElastiCache at rest" if encrypted else "none",
        key=key or AWS_KEY,
        own_key=bool(key),
        tls=tls,
        transit="TLS required" if tls else "TLS is not required",
        backup_days=days,
        backup=f"daily snapshots, {days} days" if days else "",
    )


def _bucket(resource: Resource) -> Facts:
    rules = [one.get("ServerSideEncryptionByDefault") for one in
             entries(resource.get("BucketEncryption", "ServerSideEncryptionConfiguration"))]  # fmt: skip
    algorithm = text(rules[0].get("SSEAlgorithm")) if rules else None
    key = _key(rules[0].get("KMSMasterKeyID")) if rules else ""
    tls = _tls_only(resource)
    lifecycle = entries(resource.get("LifecycleConfiguration", "Rules"))
    whole = [rule for rule in lifecycle if rule.get("Prefix").absent]
    days = [found for rule in whole if (found := integer(rule.get("ExpirationInDays")))]
    copies = [_region_of(rule.get("Destination", "Bucket")) for rule in
              entries(resource.get("ReplicationConfiguration", "Rules"))]  # fmt: skip
    return Facts(
        title="S3 bucket",
        encrypted=True,  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
        encryption={"aws:kms": "AES-256, SSE-KMS", "aws:kms:dsse": "AES-256 twice, DSSE-KMS"}.get(
            algorithm or "", "AES-256, SSE-S3"
        ),
        key=key or AWS_KEY,
        own_key=bool(key),
        tls=tls,
        transit="the bucket's policy denies requests without TLS" if tls else "requests without TLS are not denied",
        versioned=text(resource.get("VersioningConfiguration", "Status")) == "Enabled",
        version_days=max(filter(None, map(_version_days, lifecycle)), default=None),
        kept_days=min(days) if days else None,
        replicas=tuple(copies),
    )


def _version_days(rule: Node) -> int | None:
    return integer(rule.get("NoncurrentVersionExpiration", "NoncurrentDays"))


def _tls_only(bucket: Resource) -> bool:
    """Whether a policy of the bucket denies everything to everybody over plain HTTP."""
    for policy in bucket.stack.of_type("AWS::S3::BucketPolicy"):
        if target(policy.get("Bucket"), "AWS::S3::Bucket") is not bucket:
            continue
        for statement in entries(policy.get("PolicyDocument", "Statement")):
            condition = text(statement.get("Condition", "Bool", "aws:SecureTransport"))
            actions = [text(one) for one in entries(statement.get("Action"))]
            principal = text(statement.get("Principal")) or text(statement.get("Principal", "AWS"))
            if (
                text(statement.get("Effect")) == "Deny"
                and condition == "false"
                and "s3:*" in actions
                and principal == "*"
            ):
                return True
    return False


def _by_api(title: str, *, key_at: str, kept_at: str = "") -> Callable[[Resource], Facts]:
    """A store that is reached by AWS's API alone, which takes nothing but TLS, and that AWS encrypts in any case."""

    def describe(resource: Resource) -> Facts:
        key = _key(resource.get(*key_at.split(".")))
        days = integer(resource.get(kept_at)) if kept_at else None
        return Facts(
            title=title,
            encrypted=True,
            encryption="AES-256" + (", KMS" if key else ""),
            key=key or AWS_KEY,
            own_key=bool(key),
            tls=True,
            transit="reached by AWS's API alone, which takes TLS only",
            kept_days=days,
        )

    return describe


def _vault(resource: Resource) -> Facts:
    facts = _by_api("AWS Backup vault", key_at="EncryptionKeyArn")(resource)
    lock = integer(resource.get("LockConfiguration", "MinRetentionDays"))
    return Facts(**{**vars(facts), "kept": f"locked: nobody deletes before {lock} days" if lock else ""})


def _topic_or_queue(title: str, *, key_at: str, managed_at: str = "") -> Callable[[Resource], Facts]:
    def describe(resource: Resource) -> Facts:
        key = _key(resource.get(key_at))
        managed = bool(managed_at) and boolean(resource.get(managed_at)) is not False
        return Facts(
            title=title,
            encrypted=bool(key) or managed,
            encryption="AES-256, KMS" if key else "AES-256, SSE-SQS" if managed else "none",
            key=key or (AWS_KEY if managed else "none"),
            own_key=bool(key),
            tls=True,
            transit="reached by AWS's API alone, which takes TLS only",
        )

    return describe


DESCRIBED: dict[str, Callable[[Resource], Facts]] = {
    "AWS::Backup::BackupVault": _vault,
    "AWS::ECR::Repository": _by_api("ECR repository", key_at="EncryptionConfiguration.KmsKey"),
    "AWS::ElastiCache::ReplicationGroup": _valkey,
    "AWS::Logs::LogGroup": _by_api("CloudWatch log group", key_at="KmsKeyId", kept_at="RetentionInDays"),
    "AWS::RDS::DBInstance": _database,
    "AWS::S3::Bucket": _bucket,
    "AWS::SQS::Queue": _topic_or_queue("SQS queue", key_at="KmsMasterKeyId", managed_at="SqsManagedSseEnabled"),
    "AWS::SecretsManager::Secret": _by_api("Secrets Manager secret", key_at="KmsKeyId"),
}
"""Types that keep data. A topic of SNS keeps none: it hands on and forgets."""

UNDESCRIBED = (
    "AWS::DynamoDB::",
    "AWS::DocDB::",
    "AWS::EFS::FileSystem",
    "AWS::Kinesis::Stream",
    "AWS::Neptune::",
    "AWS::OpenSearchService::Domain",
    "AWS::RDS::DBCluster",
    "AWS::Redshift::",
    "AWS::Timestream::",
)
"""Beginnings of types that keep data too and that nothing here describes yet: one of them fails the report."""


def _key(node: Node) -> str:
    """The path of the KMS key, or what is written; empty where none is named."""
    found = reference(node)
    if found:
        return _short(found.resource)
    if (resource := target(node, "AWS::KMS::Key")) is not None:
        return _short(resource)
    return "" if node.absent else (text(node) or "a key named when it is deployed")


def _region_of(node: Node) -> str:
    bucket = target(node, "AWS::S3::Bucket")
    return (bucket.stack.region or "") if bucket else "another account or region"


def _short(resource: Resource) -> str:
    return resource.construct_path.removesuffix("/Resource")
