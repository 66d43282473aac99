"""Single settings that open something to the world, switch encryption off, or take a protection away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from plan.changes import Change, Comparison
from plan.resources import shown
from plan.security.finding import Direction, Finding
from preflight.values import ABSENT


@dataclass(frozen=True, kw_only=True)
class Setting:
    """`exposed` tells of a value whether it is the weaker one; `weaker` and `stronger` say so."""

    types: tuple[str, ...]
    path: tuple[str, ...]
    exposed: Callable[[Any], bool]
    weaker: str
    stronger: str


def _on(value: Any) -> bool:
    return str(value).lower() == "true"


def _off(value: Any) -> bool:
    return not _on(value)


def _unset(value: Any) -> bool:
    return value is ABSENT


def _is(*values: str) -> Callable[[Any], bool]:
    return lambda value: str(value) in values


def _public(name: str) -> Setting:
    return Setting(
        types=("AWS::S3::Bucket",),
        path=("PublicAccessBlockConfiguration", name),
        exposed=_off,
        weaker=f"public access is not blocked any more ({name})",
        stronger=f"public access is blocked ({name})",
    )


SETTINGS = (
    *map(_public, ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")),
    Setting(
        types=("AWS::RDS::DBInstance", "AWS::RDS::DBCluster"),
        path=("PubliclyAccessible",),
        exposed=_on,
        weaker="the database gets a public address",
        stronger="the database has no public address any more",
    ),
    Setting(
        types=("AWS::RDS::DBInstance", "AWS::RDS::DBCluster", "AWS::EFS::FileSystem"),
        path=("StorageEncrypted",),
        exposed=_off,
        weaker="storage is not encrypted",
        stronger="storage is encrypted",
    ),
    Setting(
        types=("AWS::RDS::DBInstance", "AWS::RDS::DBCluster"),
        path=("DeletionProtection",),
        exposed=_off,
        weaker="deletion protection is off",
        stronger="deletion protection is on",
    ),
    Setting(
        types=("AWS::RDS::DBInstance",),
        path=("MultiAZ",),
        exposed=_off,
        weaker="no standby in a second availability zone",
        stronger="a standby in a second availability zone",
    ),
    Setting(
        types=("AWS::ElastiCache::ReplicationGroup",),
        path=("AtRestEncryptionEnabled",),
        exposed=_off,
        weaker="data is not encrypted at rest",
        stronger="data is encrypted at rest",
    ),
    Setting(
        types=("AWS::ElastiCache::ReplicationGroup",),
        path=("TransitEncryptionEnabled",),
        exposed=_off,
        weaker="connections are not encrypted",
        stronger="connections are encrypted",
    ),
    Setting(
        types=("AWS::S3::Bucket",),
        path=("BucketEncryption",),
        exposed=_unset,
        weaker="no encryption of its own is set; S3's default key remains",
        stronger="encryption is set",
    ),
    Setting(
        types=("AWS::Logs::LogGroup", "AWS::SecretsManager::Secret", "AWS::SNS::Topic", "AWS::SQS::Queue"),
        path=("KmsKeyId",),
        exposed=_unset,
        weaker="no key of our own encrypts it",
        stronger="a key of our own encrypts it",
    ),
    Setting(
        types=("AWS::KMS::Key",),
        path=("EnableKeyRotation",),
        exposed=_off,
        weaker="the key does not rotate",
        stronger="the key rotates",
    ),
    Setting(
        types=("AWS::ElasticLoadBalancingV2::LoadBalancer",),
        path=("Scheme",),
        exposed=_is("internet-facing"),
        weaker="the load balancer faces the internet",
        stronger="the load balancer is internal",
    ),
    Setting(
        types=("AWS::ElasticLoadBalancingV2::Listener",),
        path=("Protocol",),
        exposed=_is("HTTP"),
        weaker="the listener speaks plain HTTP",
        stronger="the listener speaks HTTPS",
    ),
    Setting(
        types=("AWS::ECS::Service",),
        path=("NetworkConfiguration", "AwsvpcConfiguration", "AssignPublicIp"),
        exposed=_is("ENABLED"),
        weaker="tasks get public addresses",
        stronger="tasks have no public addresses",
    ),
    Setting(
        types=("AWS::ECS::Service",),
        path=("EnableExecuteCommand",),
        exposed=_on,
        weaker="people may open a shell in tasks (ECS Exec)",
        stronger="nobody may open a shell in tasks",
    ),
    Setting(
        types=("AWS::EC2::Subnet",),
        path=("MapPublicIpOnLaunch",),
        exposed=_on,
        weaker="what starts here gets a public address",
        stronger="what starts here gets no public address",
    ),
    Setting(
        types=("AWS::Lambda::Url",),
        path=("AuthType",),
        exposed=_is("NONE"),
        weaker="anybody may call the function's URL",
        stronger="the function's URL wants IAM credentials",
    ),
)
"""What each setting means when it is at its weaker value."""


def setting_findings(comparison: Comparison) -> Iterator[Finding]:
    """Settings that become weaker or stronger, and weak ones of what is added."""
    for change in comparison.changes:
        path = comparison.path(change.resource)
        yield from _settings(change, path)
        yield from _protections(change, path)
    yield from _stacks(comparison)


def _settings(change: Change, path: str) -> Iterator[Finding]:
    after = change.after
    if after is None:
        return
    for setting in SETTINGS:
        if after.type not in setting.types:
            continue
        new = _at(after.raw.get("Properties"), setting.path)
        old = _at(change.before.raw.get("Properties"), setting.path) if change.before else None
        if change.before is None:
            # Of what is new only what is said is told: a default is preflight's matter.
            if new is not ABSENT and setting.exposed(new):
                yield Finding(direction=Direction.WIDER, path=path, text=setting.weaker)
        elif setting.exposed(new) and not setting.exposed(old):
            yield Finding(direction=Direction.WIDER, path=path, text=setting.weaker)
        elif setting.exposed(old) and not setting.exposed(new):
            yield Finding(direction=Direction.NARROWER, path=path, text=setting.stronger)


def _protections(change: Change, path: str) -> Iterator[Finding]:
    if change.before is None or change.after is None:
        return
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        old, new = (str(one.attribute(policy) or "Delete") for one in (change.before, change.after))
        if old != new and old.startswith(("Retain", "Snapshot")) != new.startswith(("Retain", "Snapshot")):
            weaker = not new.startswith(("Retain", "Snapshot"))
            yield Finding(
                direction=Direction.WIDER if weaker else Direction.NARROWER,
                path=path,
                text=f"{policy} becomes {new} (was {old})",
            )
    if found := change.difference("BackupRetentionPeriod"):
        fewer = _number(found.new) < _number(found.old)
        yield Finding(
            direction=Direction.WIDER if fewer else Direction.NARROWER,
            path=path,
            text=f"backups are kept {shown(found.new)} days (were {shown(found.old)})",
        )


def _stacks(comparison: Comparison) -> Iterator[Finding]:
    for stack in comparison.after.stacks:
        before = comparison.before.stack(stack.name, stack.region)
        if before is None or before.termination_protection is None:
            continue
        if bool(before.termination_protection) != bool(stack.termination_protection):
            lost = not stack.termination_protection
            yield Finding(
                direction=Direction.WIDER if lost else Direction.NARROWER,
                path=stack.name.removeprefix(comparison.prefix),
                text=f"termination protection of the stack is {'off' if lost else 'on'}",
            )


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        value = value.get(part, ABSENT) if isinstance(value, dict) else ABSENT
    return value


def _number(value: Any) -> float:
    try:
        return float(str(value))
    except ValueError:
        return 0.0
