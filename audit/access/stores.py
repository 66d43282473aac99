"""Where data is kept, and which actions reach it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from audit.access.evaluation import Decision, Estate
from audit.access.names import arn, construct, text_of
from audit.access.principals import Principal, environment_of
from preflight.assembly import Assembly, Resource


class Reach(Enum):
    """What an action does with the data. `CONTROL`: opens the store to others, or destroys it."""

    READ = "read"
    WRITE = "write"
    CONTROL = "control"


@dataclass(frozen=True, kw_only=True)
class DataAction:
    """One action on a store. `on` is the ARN it is checked against, with `{arn}`, `{region}` and `{account}`;
    `key_action` what has to be allowed on the store's KMS key besides."""

    name: str
    reach: Reach
    on: str = "{arn}"
    key_action: str = ""


_SNAPSHOTS = "arn:aws:rds:{region}:{account}:snapshot:*"

# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
ACTIONS = {
    "AWS::S3::Bucket": (
        DataAction(name="s3:GetObject", reach=Reach.READ, on="{arn}/*", key_action="kms:Decrypt"),
        DataAction(name="s3:GetObjectVersion", reach=Reach.READ, on="{arn}/*", key_action="kms:Decrypt"),
        DataAction(name="s3:PutObject", reach=Reach.WRITE, on="{arn}/*", key_action="kms:GenerateDataKey"),
        DataAction(name="s3:DeleteObject", reach=Reach.WRITE, on="{arn}/*"),
        DataAction(name="s3:DeleteObjectVersion", reach=Reach.WRITE, on="{arn}/*"),
        DataAction(name="s3:PutBucketPolicy", reach=Reach.CONTROL),
        DataAction(name="s3:PutReplicationConfiguration", reach=Reach.CONTROL),
        DataAction(name="s3:PutLifecycleConfiguration", reach=Reach.CONTROL),
    ),
    "AWS::RDS::DBInstance": (
        DataAction(name="rds-db:connect", reach=Reach.READ, on="arn:aws:rds-db:{region}:{account}:dbuser:*"),
        DataAction(name="rds:ModifyDBInstance", reach=Reach.CONTROL),
        DataAction(name="rds:DeleteDBInstance", reach=Reach.CONTROL),
        DataAction(name="rds:RestoreDBInstanceToPointInTime", reach=Reach.CONTROL),
        DataAction(name="rds:ModifyDBSnapshotAttribute", reach=Reach.CONTROL, on=_SNAPSHOTS),
        DataAction(name="rds:StartExportTask", reach=Reach.CONTROL, on="*"),
    ),
    "AWS::ElastiCache::ReplicationGroup": (
        DataAction(name="elasticache:Connect", reach=Reach.READ),
        DataAction(name="elasticache:ModifyReplicationGroup", reach=Reach.CONTROL),
        DataAction(name="elasticache:DeleteReplicationGroup", reach=Reach.CONTROL),
    ),
    "AWS::SecretsManager::Secret": (
        DataAction(name="secretsmanager:GetSecretValue", reach=Reach.READ, key_action="kms:Decrypt"),
        DataAction(name="secretsmanager:PutSecretValue", reach=Reach.WRITE, key_action="kms:GenerateDataKey"),
        DataAction(name="secretsmanager:DeleteSecret", reach=Reach.CONTROL),
        DataAction(name="secretsmanager:PutResourcePolicy", reach=Reach.CONTROL),
    ),
    "AWS::Backup::BackupVault": (
        DataAction(
            name="backup:StartRestoreJob",
            reach=Reach.READ,
            on="arn:aws:backup:{region}:{account}:recovery-point:*",
        ),
        DataAction(name="backup:PutBackupVaultAccessPolicy", reach=Reach.CONTROL),
        DataAction(name="backup:DeleteBackupVault", reach=Reach.CONTROL),
    ),
    "AWS::KMS::Key": (
        DataAction(name="kms:PutKeyPolicy", reach=Reach.CONTROL),
        DataAction(name="kms:CreateGrant", reach=Reach.CONTROL),
        DataAction(name="kms:ScheduleKeyDeletion", reach=Reach.CONTROL),
        DataAction(name="kms:DisableKey", reach=Reach.CONTROL),
    ),
}
"""By type of store; the actions that matter most to what is in it."""

_KEYS = {
    "AWS::RDS::DBInstance": ("KmsKeyId",),
    "AWS::ElastiCache::ReplicationGroup": ("KmsKeyId",),
    "AWS::SecretsManager::Secret": ("KmsKeyId",),
    "AWS::Backup::BackupVault": ("EncryptionKeyArn",),
    "AWS::S3::Bucket": (
        "BucketEncryption",
        "ServerSideEncryptionConfiguration",
        0,
        "ServerSideEncryptionByDefault",
        "KMSMasterKeyID",
    ),
}


@dataclass(frozen=True, kw_only=True)
class DataStore:
    """One store; `key` is the ARN of the KMS key that it is encrypted with, empty where AWS keeps the key."""

    arn: str
    path: str
    type: str
    environment: str
    region: str
    account: str
    key: str = ""
    logs_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Hold:
    """What a principal may do with a store: the kind of reach, its actions, and what the request has to fulfil."""

    store: str
    reach: Reach
    actions: tuple[str, ...]
    conditions: tuple[str, ...] = ()


def data_stores(assembly: Assembly) -> Iterator[DataStore]:
    """Every store of the assembly; `logs_only` marks buckets that nothing but AWS's log delivery writes to."""
    log_buckets = _log_buckets(assembly)
    for resource in assembly.of_type(*ACTIONS):
        key = resource.get(*_KEYS[resource.type]).value if resource.type in _KEYS else None
        yield DataStore(
            arn=arn(resource),
            path=construct(resource),
            type=resource.type,
            environment=environment_of(resource),
            region=resource.stack.region or "",
            account=resource.stack.account or "",
            key=_key_arn(text_of(key), resource) if key else "",
            logs_only=arn(resource) in log_buckets,
        )


def holds(estate: Estate, principal: Principal, store: DataStore) -> Iterator[Hold]:
    """What the principal may do with the store by its own permissions, by kind of reach."""
    for reach in Reach:
        found: dict[str, Decision] = {}
        for action in ACTIONS[store.type]:
            if action.reach is reach and (decision := _decide(estate, principal, store, action)):
                found[action.name] = decision
        if found:
            conditions = min((one.conditions for one in found.values()), key=len)
            yield Hold(
                store=store.path,
                reach=reach,
                actions=tuple(found),
                conditions=tuple(map(str, conditions)),
            )


def _decide(estate: Estate, principal: Principal, store: DataStore, action: DataAction) -> Decision:
    on = action.on.format(arn=store.arn, region=store.region, account=store.account)
    if on == "*" and principal.account != store.account:
        return Decision(allowed=False)
    decision = estate.decide(principal, action.name, on)
    if decision and store.key and action.key_action:
        behind = estate.decide(principal, action.key_action, store.key)
        if not behind:
            return behind
    return decision


def _key_arn(key: str, resource: Resource) -> str:
    if key.startswith(("arn:", "alias/aws/")):
        return "" if "alias/aws/" in key else key
    return f"arn:aws:kms:{resource.stack.region}:{resource.stack.account}:key/{key}"


def _log_buckets(assembly: Assembly) -> set[str]:
    """Buckets into which a service delivers logs.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html and
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
    """
    services = {
        "delivery.logs.amazonaws.com",
        "logging.s3.amazonaws.com",
        "logdelivery.elasticloadbalancing.amazonaws.com",
    }
    found = set()
    for policy in assembly.of_type("AWS::S3::BucketPolicy"):
        written = str(policy.raw.get("Properties", {}).get("PolicyDocument", ""))
        if any(service in written for service in services):
            found.add(text_of(policy.get("Bucket").value))
    return {f"arn:aws:s3:::{name}" for name in found}
