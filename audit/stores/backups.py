"""Which stores AWS Backup's plans of an assembly take, how long what they take is kept, and where it is copied to."""

from __future__ import annotations

from dataclasses import dataclass

from preflight.assembly import Assembly, Resource
from preflight.values import entries, integer, target, text


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What a plan does with a store: the longest retention in days, and the vaults it copies to."""

    plan: str
    days: int
    copies: tuple[str, ...]


def planned(resource: Resource, assembly: Assembly) -> tuple[Planned, ...]:
    """The plans whose selection names a tag that the resource has."""
    tags = {(text(tag.get("Key")), text(tag.get("Value"))) for tag in entries(resource.get("Tags"))}
    found = []
    for selection in assembly.of_type("AWS::Backup::BackupSelection"):
        wanted = [
            (text(one.get("ConditionKey")), text(one.get("ConditionValue")))
            for one in entries(selection.get("BackupSelection", "ListOfTags"))
        ]
        plan = target(selection.get("BackupPlanId"), "AWS::Backup::BackupPlan")
        if plan is not None and any(one in tags for one in wanted):
            found.append(_of(plan))
    return tuple(found)


def _of(plan: Resource) -> Planned:
    rules = entries(plan.get("BackupPlan", "BackupPlanRule"))
    days = [integer(rule.get("Lifecycle", "DeleteAfterDays")) or 0 for rule in rules]
    vaults = [
        text(copy.get("DestinationBackupVaultArn")) or _path(target(copy.get("DestinationBackupVaultArn")))
        for rule in rules
        for copy in entries(rule.get("CopyActions"))
    ]
    return Planned(plan=_path(plan), days=max(days, default=0), copies=tuple(dict.fromkeys(vaults)))


def _path(resource: Resource | None) -> str:
    return resource.construct_path.removesuffix("/Resource") if resource else "a vault named when it is deployed"
