"""Databases under a continuous AWS Backup plan, which then owns their backup retention."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from preflight.assembly import Assembly, Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.rds_common import CLUSTER, INSTANCE, is_copy, is_member
from preflight.values import Node, boolean, entries, integer, target, text

_PLAN = "AWS::Backup::BackupPlan"
_SELECTION = "AWS::Backup::BackupSelection"
_ARNS = {INSTANCE: "arn:aws:rds:region:account:db:name", CLUSTER: "arn:aws:rds:region:account:cluster:name"}
"""What the ARN of any database of the type looks like to a selection's pattern."""
_TAG = "aws:ResourceTag/"


@rule(
    "RDS-66",
    constraint=66,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A database in a continuous backup plan keeps its own backups as long as the plan does",
    otherwise="AWS Backup sets the retention to the plan's; each update with another BackupRetentionPeriod fails.",
    remedy="Give BackupRetentionPeriod and the continuous rule's DeleteAfterDays the same number, 35 at most.",
    source="https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2167",
)
def continuous_retention(assembly: Assembly) -> Iterator[Fault]:
    databases = [one for one in assembly.of_type(INSTANCE, CLUSTER) if not is_copy(one) and not is_member(one)]
    for selection in assembly.of_type(_SELECTION):
        plan = target(selection.get("BackupPlanId"), _PLAN)
        days = _continuous_days(plan) if plan else None
        if plan is None or days is None:
            continue
        for database in databases:
            kept = database.get("BackupRetentionPeriod")
            if _selected(database, selection.get("BackupSelection")) and integer(kept) not in (None, days):
                message = f"kept for {integer(kept)} days, by {plan.construct_path} for {days}"
                yield Fault(at=kept.path(), message=message, resource=database)


def _continuous_days(plan: Resource) -> int | None:
    for planned in entries(plan.get("BackupPlan", "BackupPlanRule")):
        if boolean(planned.get("EnableContinuousBackup")):
            return integer(planned.get("Lifecycle", "DeleteAfterDays"))
    return None


def _selected(database: Resource, selection: Node) -> bool:
    resources = [_names(entry, database) for entry in entries(selection.get("Resources"))]
    conditions = selection.get("Conditions")
    if any(_names(entry, database) for entry in entries(selection.get("NotResources"))):
        return False
    if isinstance(conditions.value, dict) and conditions.value:
        return (any(resources) or not resources) and _meets(database, conditions)
    return any(resources) or any(_tagged(database, entry) for entry in entries(selection.get("ListOfTags")))


def _names(entry: Node, database: Resource) -> bool:
    if target(entry, database.type) is database:
        return True
    pattern = text(entry)
    if pattern is None or "*" not in pattern:
        return False
    # Compare only as far as patterns go that stand for a whole type: other parts are the database's own name.
    parts, like = pattern.split(":"), _ARNS[database.type].split(":")
    return pattern == "*" or (
        len(parts) == 7 and fnmatchcase(like[5], parts[5]) and parts[2] == "rds" and parts[6] == "*"
    )


def _tagged(database: Resource, condition: Node) -> bool:
    key, value = text(condition.get("ConditionKey")), text(condition.get("ConditionValue"))
    if key is None or value is None or text(condition.get("ConditionType")) != "STRINGEQUALS":
        return False
    key = key.removeprefix(_TAG)
    tags = entries(database.get("Tags"))
    return any(text(tag.get("Key")) == key and text(tag.get("Value")) == value for tag in tags)


def _meets(database: Resource, conditions: Node) -> bool:
    """All of them, and only equality is judged."""
    if set(conditions.value) != {"StringEquals"}:
        return False
    tags = {text(tag.get("Key")): text(tag.get("Value")) for tag in entries(database.get("Tags"))}
    wanted = entries(conditions.get("StringEquals"))
    return all(
        tags.get((text(one.get("ConditionKey")) or "").removeprefix(_TAG), "") == text(one.get("ConditionValue"))
        for one in wanted
    )
