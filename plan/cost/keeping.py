"""Keys, secrets, alarms, dashboards, and AWS Backup."""

from __future__ import annotations

import re
from collections.abc import Iterator

from plan.cost.buckets import receipts_gib
from plan.cost.lines import Costing, Line, priced
from plan.cost.values import length, number
from preflight.assembly import Resource
from preflight.values import Node, entries, text

_WEEKS = 365 / 12 / 7
_TYPES = {"AWS::RDS::DBInstance": "RDS", "AWS::S3::Bucket": "S3"}


@priced("AWS::KMS::Key", "AWS::KMS::ReplicaKey")
def _key(resource: Resource, costing: Costing) -> Iterator[Line]:
    yield costing.line(resource, "KMS", "key", "kms.key", 1, assumption="before its first rotation")


@priced("AWS::SecretsManager::Secret")
def _secret(resource: Resource, costing: Costing) -> Iterator[Line]:
    yield costing.line(
        resource, "Secrets Manager", "secret", "secretsmanager.secret", 1 + length(resource.get("ReplicaRegions"))
    )


@priced("AWS::CloudWatch::Alarm")
def _alarm(resource: Resource, costing: Costing) -> Iterator[Line]:
    metrics = [one for one in entries(resource.get("Metrics")) if not one.get("MetricStat").absent]
    fine = number(resource.get("Period"), 60) < 60
    key = "cloudwatch.alarm.high_resolution" if fine else "cloudwatch.alarm.standard"
    yield costing.line(resource, "CloudWatch", "alarm", key, max(1, len(metrics)))


@priced("AWS::CloudWatch::CompositeAlarm")
def _composite(resource: Resource, costing: Costing) -> Iterator[Line]:
    yield costing.line(resource, "CloudWatch", "composite alarm", "cloudwatch.alarm.composite", 1)


@priced("AWS::CloudWatch::Dashboard")
def _dashboard(resource: Resource, costing: Costing) -> Iterator[Line]:
    yield costing.line(
        resource, "CloudWatch", "dashboard", "cloudwatch.dashboard", 1, assumption="as if none of three were free"
    )


@priced("AWS::Logs::MetricFilter")
def _filter(resource: Resource, costing: Costing) -> Iterator[Line]:
    metrics = length(resource.get("MetricTransformations"))
    yield costing.line(resource, "CloudWatch", "metric from logs", "cloudwatch.metric.first_10k", metrics)


@priced("AWS::Synthetics::Canary")
def _canary(resource: Resource, costing: Costing) -> Iterator[Line]:
    found = re.fullmatch(r"rate\((\d+) (minute|hour)s?\)", text(resource.get("Schedule", "Expression")) or "")
    minutes = int(found[1]) * (60 if found[2] == "hour" else 1) if found else 60
    runs = 730 * 60 / max(1, minutes)
    yield costing.line(
        resource, "CloudWatch", "canary runs", "cloudwatch.synthetics", runs, assumption=f"one in {minutes} minutes"
    )


@priced("AWS::Backup::BackupPlan")
def _plan(resource: Resource, costing: Costing) -> Iterator[Line]:
    held: set[tuple[Resource, str]] = set()
    for rule in entries(resource.get("BackupPlan", "BackupPlanRule")):
        for protected in _protected(resource, costing):
            if rule.get("EnableContinuousBackup").value is True and protected.type == "AWS::RDS::DBInstance":
                continue  # its own automated backups, which RDS bills
            for region, lifecycle in _targets(resource, rule):
                first = (protected, region) not in held
                held.add((protected, region))
                yield _recovery_points(resource, rule, protected, costing, region, lifecycle, first=first)


def _targets(plan: Resource, rule: Node) -> Iterator[tuple[str, Node]]:
    """Regions to which a rule backs up, and how long it is kept there."""
    yield plan.stack.region or "us-east-1", rule.get("Lifecycle", "DeleteAfterDays")
    for copy in entries(rule.get("CopyActions")):
        parts = (text(copy.get("DestinationBackupVaultArn")) or "").split(":")
        yield parts[3] if len(parts) > 3 else "", copy.get("Lifecycle", "DeleteAfterDays")


def _recovery_points(
    plan: Resource, rule: Node, protected: Resource, costing: Costing, region: str, lifecycle: Node, *, first: bool
) -> Line:
    """What one rule keeps in one region: a full copy, unless another rule has it there, and what changes.

    At the most each rule keeps a full copy of its own. Objects in a bucket of receipts do not change.
    """
    database = protected.type == "AWS::RDS::DBInstance"
    changed, days, size = costing.usage.backup_changed_percent / 100, number(lifecycle, 35), _size(protected, costing)
    monthly = (text(rule.get("ScheduleExpression")) or "").split()[2:3] == ["1"]
    points, between = (days / 30, min(1.0, changed * 30)) if monthly else (days, changed)
    more = size * between * points if database else 0.0
    said = f"{size:.0f} GB" + (f", {costing.usage.backup_changed_percent} % changed a day" if database else "")
    return costing.line(
        plan,
        "Backup",
        f"{(text(rule.get('RuleName')) or 'rule').lower()}: {_TYPES[protected.type]} in {region or 'the other region'}",
        "backup.rds_snapshot" if database else "backup.s3.warm",
        more + (size if first else 0.0),
        most=more + size,
        region=region or None,
        assumption=f"{said}, kept {days:g} days",
    )


def _size(resource: Resource, costing: Costing) -> float:
    if resource.type == "AWS::RDS::DBInstance":
        return number(resource.get("AllocatedStorage"))
    return sum(receipts_gib(resource, costing).values())


def _protected(plan: Resource, costing: Costing) -> Iterator[Resource]:
    """Databases and buckets whose tags a selection of this plan names."""
    for selection in costing.assembly.of_type("AWS::Backup::BackupSelection"):
        if selection not in plan.referrers:
            continue
        for tag in entries(selection.get("BackupSelection", "ListOfTags")):
            wanted = {"Key": tag.get("ConditionKey").value, "Value": tag.get("ConditionValue").value}
            for resource in costing.assembly.of_type(*_TYPES):
                if any(one.value == wanted for one in entries(resource.get("Tags"))):
                    yield resource


@priced("AWS::Backup::RestoreTestingSelection")
def _restore(resource: Resource, costing: Costing) -> Iterator[Line]:
    plans = costing.assembly.of_type("AWS::Backup::BackupPlan")
    for protected in (one for plan in plans for one in _protected(plan, costing)):
        if _TYPES[protected.type] != text(resource.get("ProtectedResourceType")):
            continue
        said = "one a week"
        if protected.type == "AWS::S3::Bucket":
            gib = _size(protected, costing) * _WEEKS
            yield costing.line(
                resource, "Backup", "test restores of S3", "backup.restore.s3_warm", gib, assumption=said
            )
        else:
            yield costing.line(
                resource, "Backup", "test restores of RDS", "backup.restore_test_rds", _WEEKS, assumption=said
            )
            key = f"rds.postgres.{text(protected.get('DBInstanceClass'))}.single_az"
            hours = number(resource.get("ValidationWindowHours"), 1) * _WEEKS
            yield costing.line(
                resource, "Backup", "the restored database, until it is checked", key, hours, assumption=said
            )
