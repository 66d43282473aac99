"""RDS instances and clusters: availability, insights, logs, windows, protection."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.rds_common import (
    API,
    CFN_INSTANCE,
    CLUSTER,
    INSTANCE,
    USER_GUIDE,
    engine,
    given,
    is_copy,
    is_member,
)
from preflight.rules.windows import daily, weekly
from preflight.values import Node, boolean, entries, integer, target, text

_LEAST_MINUTES = 30
_MARIADB_LOGS = ("audit", "error", "general", "slowquery", "iam-db-auth-error")
_ORACLE_LOGS = ("alert", "audit", "listener", "trace", "oemagent")
_POSTGRES_LOGS = ("postgresql", "upgrade", "iam-db-auth-error")
_LOGS = {
    INSTANCE: {
        "db2-": ("diag.log", "notify.log", "iam-db-auth-error"),
        "mariadb": _MARIADB_LOGS,
        "mysql": _MARIADB_LOGS,
        "oracle-": _ORACLE_LOGS,
        "postgres": _POSTGRES_LOGS,
        "sqlserver-": ("agent", "error"),
    },
    CLUSTER: {
        "aurora-mysql": ("audit", "error", "general", "instance", "slowquery", "iam-db-auth-error"),
        "aurora-postgresql": ("instance", "postgresql", "iam-db-auth-error"),
        "mysql": ("error", "general", "slowquery", "iam-db-auth-error"),
        "postgres": _POSTGRES_LOGS,
    },
}
"""By the beginning of the engine's name."""
_KEEPING = ("Retain", "RetainExceptOnCreate", "Snapshot")
_MONITORING = (0, 1, 5, 10, 15, 30, 60)


@rule(
    "RDS-56",
    constraint=56,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="A database that outlives its stack also outlives its replacement",
    otherwise="A change to a create-only property (subnet group, key, name) makes an empty one and deletes this one.",
    remedy="Set UpdateReplacePolicy to Snapshot or Retain, as DeletionPolicy is.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatereplacepolicy.html",
    types=(INSTANCE, CLUSTER),
    lacks=("DeletionPolicy",),
)
def kept_when_replaced(resource: Resource) -> Iterator[Fault]:
    keeps = resource.attribute("DeletionPolicy") in _KEEPING
    if keeps and not is_member(resource) and resource.attribute("UpdateReplacePolicy") in (None, "Delete"):
        yield Fault(at="UpdateReplacePolicy", message="deleted when an update replaces it")


@rule(
    "RDS-57",
    constraint=57,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A Multi-AZ instance names no availability zone",
    otherwise="CreateDBInstance refuses the combination.",
    remedy="Leave AvailabilityZone out: RDS chooses both zones from the subnet group.",
    source=CFN_INSTANCE + "#cfn-rds-dbinstance-availabilityzone",
    types=(INSTANCE,),
)
def zone_of_multi_az(instance: Resource) -> Iterator[Fault]:
    if boolean(instance.get("MultiAZ")) and given(instance.get("AvailabilityZone")):
        yield Fault(at="AvailabilityZone", message="a zone for a Multi-AZ instance")


def _insights(resource: Resource) -> Node:
    return resource.get("EnablePerformanceInsights" if resource.type == INSTANCE else "PerformanceInsightsEnabled")


def _off(node: Node) -> bool:
    return node.absent or boolean(node) is False


@rule(
    "RDS-60",
    constraint=60,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Performance Insights keeps data for 7 days, 1 to 23 months of 31 days, or 731 days",
    otherwise="RDS answers with an error for any other number.",
    remedy="Use 7, a multiple of 31 up to 713, or 731.",
    source=API + "API_CreateDBInstance.html",
    types=(INSTANCE, CLUSTER),
)
def insights_retention(resource: Resource) -> Iterator[Fault]:
    days = integer(resource.get("PerformanceInsightsRetentionPeriod"))
    if days is not None and days not in (7, 731) and not (days % 31 == 0 and 1 <= days // 31 <= 23):
        yield Fault(at="PerformanceInsightsRetentionPeriod", message=f"{days} days")


@rule(
    "RDS-60b",
    constraint=60,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Database Insights advanced has Performance Insights on, kept for 465 days or more",
    otherwise="RDS refuses the mode.",
    remedy="Enable Performance Insights with a retention of 465 days, or use the standard mode.",
    source=USER_GUIDE + "USER_DatabaseInsights.html",
    types=(INSTANCE, CLUSTER),
)
def advanced_insights(resource: Resource) -> Iterator[Fault]:
    if text(resource.get("DatabaseInsightsMode")) != "advanced" or is_member(resource):
        return
    if _off(_insights(resource)):
        yield Fault(at="DatabaseInsightsMode", message="advanced, with Performance Insights off")
        return
    retention = resource.get("PerformanceInsightsRetentionPeriod")
    days = 7 if retention.absent else integer(retention)
    if days is not None and days < 465:
        yield Fault(at=retention.path(), message=f"advanced, with data kept for {days} days")


@rule(
    "RDS-60c",
    constraint=60,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A retention for Performance Insights needs Performance Insights",
    otherwise="CreateDBInstance refuses the period when Performance Insights is off.",
    remedy="Enable Performance Insights, or leave its retention out.",
    source=CFN_INSTANCE + "#cfn-rds-dbinstance-performanceinsightsretentionperiod",
    types=(INSTANCE,),
)
def retention_without_insights(instance: Resource) -> Iterator[Fault]:
    retention = instance.get("PerformanceInsightsRetentionPeriod")
    if integer(retention) is not None and _off(_insights(instance)) and not is_member(instance):
        yield Fault(at=retention.path(), message="set, with Performance Insights off")


@rule(
    "RDS-61",
    constraint=61,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Exported logs are ones that the engine writes",
    otherwise="RDS refuses the log type.",
    remedy="For PostgreSQL use postgresql, upgrade and iam-db-auth-error; Aurora has instance in place of upgrade.",
    source=API + "API_CreateDBInstance.html",
    types=(INSTANCE, CLUSTER),
)
def log_exports(resource: Resource) -> Iterator[Fault]:
    name = engine(resource)
    if name is None or is_member(resource):
        return
    for beginning, logs in _LOGS[resource.type].items():
        if name == beginning or (beginning.endswith("-") and name.startswith(beginning)):
            for entry in entries(resource.get("EnableCloudwatchLogsExports")):
                log = text(entry)
                if log is not None and log not in logs:
                    yield Fault(at=entry.path(), message=f"{name} has no log {log}")


@rule(
    "RDS-65",
    constraint=65,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Backup and maintenance windows last 30 minutes or more and do not overlap",
    otherwise="RDS refuses the windows.",
    remedy="Write hh:mm-hh:mm and ddd:hh:mm-ddd:hh:mm (UTC), half an hour or more, apart from each other.",
    source=API + "API_CreateDBInstance.html",
    types=(INSTANCE, CLUSTER),
)
def windows(resource: Resource) -> Iterator[Fault]:
    found = []
    for name, parse in (("PreferredBackupWindow", daily), ("PreferredMaintenanceWindow", weekly)):
        written = text(resource.get(name))
        if not written:
            continue
        window = parse(written)
        if window is None:
            yield Fault(at=name, message=f"{written!r} is no window")
        elif window.minutes < _LEAST_MINUTES:
            yield Fault(at=name, message=f"{written} lasts {window.minutes} minutes")
        else:
            found.append(window)
    # A member of a cluster has no backups of its own.
    if len(found) == 2 and found[0].overlaps(found[1]) and not is_member(resource):
        yield Fault(at="PreferredMaintenanceWindow", message="overlaps the backup window")


@rule(
    "RDS-69",
    constraint=69,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="Deletion protection goes with a DeletionPolicy that keeps the database",
    otherwise="Deleting the stack, and removing or replacing the database, ends in DELETE_FAILED.",
    remedy="Set DeletionPolicy to Retain; to delete, first deploy with DeletionProtection off.",
    source=USER_GUIDE + "USER_DeleteInstance.html",
    types=(INSTANCE, CLUSTER),
    lacks=("DeletionPolicy",),
)
def protected_but_deleted(resource: Resource) -> Iterator[Fault]:
    policy = resource.attribute("DeletionPolicy")
    if policy in ("Delete", "Snapshot") and boolean(resource.get("DeletionProtection")):
        yield Fault(at="DeletionProtection", message=f"protected, with DeletionPolicy {policy}")


@rule(
    "RDS-204",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Enhanced Monitoring has an interval that exists, and a role exactly when it is on",
    otherwise="CreateDBInstance refuses the combination.",
    remedy="Use 1, 5, 10, 15, 30 or 60 seconds with MonitoringRoleArn, or neither.",
    source=API + "API_CreateDBInstance.html",
    types=(INSTANCE, CLUSTER),
)
def monitoring(resource: Resource) -> Iterator[Fault]:
    node, role = resource.get("MonitoringInterval"), resource.get("MonitoringRoleArn")
    seconds = 0 if node.absent else integer(node)
    if seconds is None:
        return
    if seconds not in _MONITORING:
        yield Fault(at=node.path(), message=f"an interval of {seconds} s")
    elif seconds > 0 and role.absent:
        yield Fault(at=role.path(), message=f"an interval of {seconds} s without a role")
    elif seconds == 0 and given(role):
        yield Fault(at=node.path(), message="a monitoring role with the interval at 0")


@rule(
    "RDS-205",
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A DB subnet group spans two availability zones",
    otherwise='"The DB subnet group doesn\'t meet Availability Zone (AZ) coverage requirement".',
    remedy="Give it subnets in at least two zones.",
    source=USER_GUIDE + "USER_VPC.WorkingWithRDSInstanceinaVPC.html",
    types=("AWS::RDS::DBSubnetGroup",),
)
def subnet_zones(group: Resource) -> Iterator[Fault]:
    node = group.get("SubnetIds")
    if not isinstance(node.value, list):
        return
    subnets = [target(entry, "AWS::EC2::Subnet") for entry in entries(node)]
    zones = {text(subnet.get("AvailabilityZone")) for subnet in subnets if subnet}
    if len(subnets) == 1 and subnets[0] is not None:
        yield Fault(at="SubnetIds", message="a single subnet")
    elif len(subnets) > 1 and None not in subnets and None not in zones and len(zones) == 1:
        yield Fault(at="SubnetIds", message=f"all subnets are in {zones.pop()}")


@rule(
    "RDS-206",
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Backups are kept for 0 to 35 days, those of a cluster for 1 to 35",
    otherwise="RDS refuses the period.",
    remedy="Use a BackupRetentionPeriod up to 35; keep longer ones with AWS Backup.",
    source=API + "API_CreateDBInstance.html",
    types=(INSTANCE, CLUSTER),
)
def backup_retention(resource: Resource) -> Iterator[Fault]:
    least = 1 if resource.type == CLUSTER and not is_copy(resource) else 0
    for name, lowest in (("BackupRetentionPeriod", least), ("AutomaticBackupReplicationRetentionPeriod", 1)):
        days = integer(resource.get(name))
        if days is not None and not lowest <= days <= 35:
            yield Fault(at=name, message=f"{days} days, allowed are {lowest} to 35")
