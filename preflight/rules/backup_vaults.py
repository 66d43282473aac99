"""Backup vaults, their locks, and restore testing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.assembly import Assembly, Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.backup import AIR_GAPPED_VAULT, PLAN, VAULT, plan_rules
from preflight.rules.presence import certain
from preflight.values import Node, entries, integer, number, strings, target, text

_TESTING_PLAN = "AWS::Backup::RestoreTestingPlan"
_TESTING_SELECTION = "AWS::Backup::RestoreTestingSelection"

_LOCK_API = "https://docs.aws.amazon.com/aws-backup/latest/devguide/API_PutBackupVaultLockConfiguration.html"
_LOCK_GUIDE = "https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html"
_TESTING_API = "https://docs.aws.amazon.com/aws-backup/latest/devguide/API_RestoreTestingPlanForCreate.html"
_TESTING_SELECTION_API = (
    "https://docs.aws.amazon.com/aws-backup/latest/devguide/API_RestoreTestingSelectionForCreate.html"
)

_LONGEST = 36500


def _kept(resource: Resource) -> bool:
    return str(resource.attribute("DeletionPolicy") or "Delete").startswith("Retain")


def _lock(vault: Resource) -> Node:
    """Where the retention limits stand: in the lock of a plain vault, at the top of an air-gapped one."""
    return vault.get() if vault.type == AIR_GAPPED_VAULT else vault.get("LockConfiguration")


@rule(
    "BACKUP-112",
    constraint=112,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A vault lock has a cooling-off time of 3 days or more and retention limits in order",
    otherwise="PutBackupVaultLockConfiguration refuses the lock, and the vault with it.",
    remedy="Give MinRetentionDays of 1 or more, MaxRetentionDays not below it and up to 36500, and ChangeableForDays "
    "of 3 to 36500 or none.",
    source=_LOCK_API,
    types=(VAULT, AIR_GAPPED_VAULT),
)
def lock(vault: Resource) -> Iterator[Fault]:
    node = _lock(vault)
    if node.absent:
        return
    if node.get("MinRetentionDays").absent:
        yield Fault(at=node.path("MinRetentionDays"), message="a lock without MinRetentionDays")
    shortest = 7 if vault.type == AIR_GAPPED_VAULT else 1
    for key, least in (("ChangeableForDays", 3), ("MinRetentionDays", shortest), ("MaxRetentionDays", shortest)):
        days = integer(node.get(key))
        if days is not None and not least <= days <= _LONGEST:
            yield Fault(at=node.path(key), message=f"{key} of {days}, not in {least} to {_LONGEST}")
    low, high = integer(node.get("MinRetentionDays")), integer(node.get("MaxRetentionDays"))
    if low is not None and high is not None and low > high:
        yield Fault(at=node.path("MaxRetentionDays"), message=f"at most {high} days, at least {low}")


@rule(
    "BACKUP-112b",
    constraint=112,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="Backups are kept as long as the lock of their vault allows",
    otherwise="The plan deploys; each backup or copy job into the locked vault fails.",
    remedy="Set DeleteAfterDays within the vault's MinRetentionDays and MaxRetentionDays.",
    source=_LOCK_API,
)
def retention_within_lock(assembly: Assembly) -> Iterator[Fault]:
    for plan in assembly.of_type(PLAN):
        for planned in plan_rules(plan):
            yield from _within_lock(plan, planned.get("TargetBackupVault"), planned.get("Lifecycle"))
            for copy in entries(planned.get("CopyActions")):
                yield from _within_lock(plan, copy.get("DestinationBackupVaultArn"), copy.get("Lifecycle"))


def _within_lock(plan: Resource, place: Node, lifecycle: Node) -> Iterator[Fault]:
    vault = target(place, VAULT, AIR_GAPPED_VAULT)
    if vault is None:
        return
    low, high = integer(_lock(vault).get("MinRetentionDays")), integer(_lock(vault).get("MaxRetentionDays"))
    written = lifecycle.get("DeleteAfterDays")
    days = number(written)
    for_ever = written.absent or days == -1
    at = lifecycle.path("DeleteAfterDays")
    if high is not None and (for_ever or (days is not None and days > high)):
        kept = "for ever" if for_ever else f"{days:g} days"
        yield Fault(at=at, message=f"kept {kept}, in {vault.construct_path} at most {high}", resource=plan)
    if low is not None and days is not None and 0 <= days < low:
        yield Fault(at=at, message=f"kept {days:g} days, in {vault.construct_path} at least {low}", resource=plan)


@rule(
    "BACKUP-112c",
    constraint=112,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="A vault that will be locked for ever is not one that its stack deletes",
    otherwise="After ChangeableForDays neither the lock nor what the vault holds can be removed by anyone, and the "
    "stack cannot be deleted.",
    remedy="Lock vaults of long-lived environments only, and give them the DeletionPolicy Retain.",
    source=_LOCK_GUIDE,
    types=(VAULT,),
    lacks=("DeletionPolicy",),
)
def locked_vault(vault: Resource) -> Iterator[Fault]:
    days = vault.get("LockConfiguration", "ChangeableForDays")
    if days.present and not _kept(vault):
        yield Fault(at=str(days), message="a compliance lock on a vault without DeletionPolicy Retain")


@rule(
    "BACKUP-113",
    constraint=113,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="A vault with recovery points cannot be deleted",
    otherwise="Deleting the stack, or replacing the vault, ends in DELETE_FAILED as soon as it holds a backup.",
    remedy="Give the vault the DeletionPolicy and UpdateReplacePolicy Retain, and empty it by hand when it goes.",
    source="https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DeleteBackupVault.html",
    types=(VAULT,),
    lacks=("DeletionPolicy",),
)
def vault_is_kept(vault: Resource) -> Iterator[Fault]:
    if not _kept(vault):
        yield Fault(at="DeletionPolicy", message="the vault goes with its stack, if it is empty")


@rule(
    "BACKUP-114",
    constraint=114,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Names of restore testing have 1 to 50 letters, digits and underscores",
    otherwise="AWS Backup refuses the plan or the selection.",
    remedy="Write underscores for hyphens, and shorten the name.",
    source=_TESTING_SELECTION_API,
    types=(_TESTING_PLAN, _TESTING_SELECTION),
)
def testing_names(resource: Resource) -> Iterator[Fault]:
    key = "RestoreTestingPlanName" if resource.type == _TESTING_PLAN else "RestoreTestingSelectionName"
    name = text(resource.get(key))
    if name is not None and not re.fullmatch(r"[A-Za-z0-9_]{1,50}", name):
        yield Fault(at=key, message=f"name {name[:80]!r} of {len(name)} characters")


@rule(
    "BACKUP-114b",
    constraint=114,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The windows of restore testing are within their limits",
    otherwise="AWS Backup refuses the plan or the selection.",
    remedy="Use 1 to 365 days to select from, 1 to 168 hours to start in, 0 to 168 hours to validate in.",
    source=_TESTING_API,
    types=(_TESTING_PLAN, _TESTING_SELECTION),
)
def testing_windows(resource: Resource) -> Iterator[Fault]:
    for node, least, most in (
        (resource.get("RecoveryPointSelection", "SelectionWindowDays"), 1, 365),
        (resource.get("StartWindowHours"), 1, 168),
        (resource.get("ValidationWindowHours"), 0, 168),
    ):
        value = integer(node)
        if value is not None and not least <= value <= most:
            yield Fault(at=str(node), message=f"{value}, not in {least} to {most}")


@rule(
    "BACKUP-204",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A restore test selects by '*' with conditions, or by up to 30 ARNs without",
    otherwise="AWS Backup refuses the selection.",
    remedy="Give ProtectedResourceArns ['*'] with ProtectedResourceConditions, or the ARNs alone.",
    source=_TESTING_SELECTION_API,
    types=(_TESTING_SELECTION,),
)
def testing_selection(resource: Resource) -> Iterator[Fault]:
    node = resource.get("ProtectedResourceArns")
    arns, conditions = certain(node), resource.get("ProtectedResourceConditions")
    wildcard = "*" in strings(node)
    if wildcard and len(arns) > 1:
        yield Fault(at=str(node), message="'*' beside ARNs")
    if len(arns) > 30:
        yield Fault(at=str(node), message=f"{len(arns)} ARNs")
    if node.absent and conditions.absent:
        yield Fault(at=str(node), message="neither ProtectedResourceArns nor ProtectedResourceConditions")
    if node.known and arns and not wildcard and conditions.present:
        yield Fault(at=str(conditions), message="conditions beside ARNs, which take none")
