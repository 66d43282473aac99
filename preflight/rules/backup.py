"""AWS Backup: plans, and what their lifecycles, windows and vaults allow."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.assembly import Assembly, Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.presence import certain
from preflight.values import Node, boolean, entries, number, text

PLAN = "AWS::Backup::BackupPlan"
VAULT = "AWS::Backup::BackupVault"
AIR_GAPPED_VAULT = "AWS::Backup::LogicallyAirGappedBackupVault"

_RULE_API = "https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupRuleInput.html"
_LIFECYCLE_API = "https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Lifecycle.html"
_LOCK_API = "https://docs.aws.amazon.com/aws-backup/latest/devguide/API_PutBackupVaultLockConfiguration.html"
_SELECTION_API = "https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupSelection.html"

_VAULT_ARN = re.compile(
    r"arn:[^:]+:backup:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):backup-vault:(?P<name>[A-Za-z0-9_-]{2,50})"
)
_COLD_DAYS = 90  # least stay in cold storage


def plan_rules(plan: Resource) -> list[Node]:
    return entries(plan.get("BackupPlan", "BackupPlanRule"))


def _lifecycles(plan: Resource) -> Iterator[Node]:
    for planned in plan_rules(plan):
        yield planned.get("Lifecycle")
        for copy in entries(planned.get("CopyActions")):
            yield copy.get("Lifecycle")


@rule(
    "BACKUP-109",
    constraint=109,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="What goes to cold storage is kept there for at least 90 days",
    otherwise="CreateBackupPlan refuses the lifecycle.",
    remedy="Set DeleteAfterDays to MoveToColdStorageAfterDays + 90 or more.",
    source=_LIFECYCLE_API,
    types=(PLAN,),
)
def cold_storage(plan: Resource) -> Iterator[Fault]:
    for lifecycle in _lifecycles(plan):
        cold, delete = number(lifecycle.get("MoveToColdStorageAfterDays")), number(lifecycle.get("DeleteAfterDays"))
        # -1 means never.
        if cold is not None and delete is not None and cold >= 0 and 0 <= delete < cold + _COLD_DAYS:
            yield Fault(
                at=lifecycle.path("DeleteAfterDays"),
                message=f"deleted after {delete:g} days, in cold storage from day {cold:g}",
            )


@rule(
    "BACKUP-110",
    constraint=110,
    severity=Severity.SILENT,
    confidence=Confidence.BELIEVED,
    title="The vault that copies go to exists",
    otherwise="The plan deploys; each copy job fails.",
    remedy="Deploy the vault and its key first, and write its name into the ARN as it is there.",
    source="https://docs.aws.amazon.com/aws-backup/latest/devguide/cross-region-backup.html",
    lacks=(
        "AWS::Backup::BackupVault",
        "AWS::Backup::LogicallyAirGappedBackupVault",
    ),
)
def copy_vault(assembly: Assembly) -> Iterator[Fault]:
    places: dict[tuple[str | None, str | None], set[str | None]] = {}
    for vault in assembly.of_type(VAULT, AIR_GAPPED_VAULT):
        names = places.setdefault((vault.stack.account, vault.stack.region), set())
        names.add(text(vault.get("BackupVaultName")))
    for plan in assembly.of_type(PLAN):
        for planned in plan_rules(plan):
            for copy in entries(planned.get("CopyActions")):
                node = copy.get("DestinationBackupVaultArn")
                parsed = _VAULT_ARN.fullmatch(text(node) or "")
                if parsed is None:
                    continue
                # Only where this assembly makes vaults in that place: elsewhere another one may have made it.
                region, account = parsed["region"], parsed["account"]
                names = places.get((account, region), set()) | places.get((None, region), set())
                if names and None not in names and parsed["name"] not in names:
                    yield Fault(at=str(node), message=f"no vault {parsed['name']} in {parsed['region']}", resource=plan)


@rule(
    "BACKUP-110b",
    constraint=110,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A copy names its vault by ARN",
    otherwise="CreateBackupPlan refuses the destination.",
    remedy="Write arn:aws:backup:REGION:ACCOUNT:backup-vault:NAME.",
    source="https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CopyAction.html",
    types=(PLAN,),
)
def copy_vault_arn(plan: Resource) -> Iterator[Fault]:
    for planned in plan_rules(plan):
        for copy in entries(planned.get("CopyActions")):
            node = copy.get("DestinationBackupVaultArn")
            arn = text(node)
            if arn is not None and not _VAULT_ARN.fullmatch(arn):
                yield Fault(at=str(node), message=f"{arn[:120]!r} is no ARN of a backup vault")


@rule(
    "BACKUP-111",
    constraint=111,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Continuous backups are kept 35 days at most, and never in cold storage",
    otherwise="CreateBackupPlan refuses the rule.",
    remedy="Set DeleteAfterDays to 1 to 35; keep longer in a rule of snapshots beside this one.",
    source="https://docs.aws.amazon.com/aws-backup/latest/devguide/point-in-time-recovery.html",
    types=(PLAN,),
)
def continuous(plan: Resource) -> Iterator[Fault]:
    for planned in plan_rules(plan):
        if boolean(planned.get("EnableContinuousBackup")) is not True:
            continue
        delete = number(planned.get("Lifecycle", "DeleteAfterDays"))
        if delete is not None and not 1 <= delete <= 35:
            yield Fault(at=planned.path("Lifecycle.DeleteAfterDays"), message=f"kept {delete:g} days")
        cold = number(planned.get("Lifecycle", "MoveToColdStorageAfterDays"))
        if cold is not None and cold >= 0:
            yield Fault(at=planned.path("Lifecycle.MoveToColdStorageAfterDays"), message=f"cold after {cold:g} days")


@rule(
    "BACKUP-111b",
    constraint=111,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The start window of a backup is at least 60 minutes",
    otherwise="CreateBackupPlan refuses the rule.",
    remedy="Set StartWindowMinutes to 60 or more, or leave it out (8 hours).",
    source=_RULE_API,
    types=(PLAN,),
)
def start_window(plan: Resource) -> Iterator[Fault]:
    for planned in plan_rules(plan):
        minutes = number(planned.get("StartWindowMinutes"))
        if minutes is not None and minutes < 60:
            yield Fault(at=planned.path("StartWindowMinutes"), message=f"start window of {minutes:g} minutes")


@rule(
    "BACKUP-201",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A backup's completion window is not shorter than its start window",
    otherwise="CreateBackupPlan refuses the rule.",
    remedy="Set CompletionWindowMinutes to StartWindowMinutes or more.",
    source="https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/aws-backup/lib/plan.ts",
    types=(PLAN,),
)
def completion_window(plan: Resource) -> Iterator[Fault]:
    for planned in plan_rules(plan):
        start, complete = number(planned.get("StartWindowMinutes")), number(planned.get("CompletionWindowMinutes"))
        if start is not None and complete is not None and complete < start:
            yield Fault(
                at=planned.path("CompletionWindowMinutes"),
                message=f"to be complete in {complete:g} minutes, to start in {start:g}",
            )


@rule(
    "BACKUP-202",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Names of backup rules and selections have 1 to 50 letters, digits, hyphens, underscores or dots",
    otherwise="AWS Backup refuses the name.",
    remedy="Shorten it, and write hyphens for spaces.",
    source=_RULE_API,
    types=(PLAN, "AWS::Backup::BackupSelection"),
)
def rule_names(resource: Resource) -> Iterator[Fault]:
    if resource.type == PLAN:
        nodes = [planned.get("RuleName") for planned in plan_rules(resource)]
    else:
        nodes = [resource.get("BackupSelection", "SelectionName")]
    for node in nodes:
        name = text(node)
        if name is not None and not re.fullmatch(r"[A-Za-z0-9._-]{1,50}", name):
            yield Fault(at=str(node), message=f"name {name[:80]!r} of {len(name)} characters")


@rule(
    "BACKUP-203",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A backup selection lists at most 500 resources, 30 with wildcards, and tags by STRINGEQUALS",
    otherwise="CreateBackupSelection refuses it.",
    remedy="Select by tag, with ConditionType STRINGEQUALS; other comparisons belong into Conditions.",
    source=_SELECTION_API,
    types=("AWS::Backup::BackupSelection",),
)
def selection(resource: Resource) -> Iterator[Fault]:
    data = resource.get("BackupSelection")
    for key in ("Resources", "NotResources"):
        arns = [text(node) for node in certain(data.get(key))]
        most = 30 if any(arn and "*" in arn for arn in arns) else 500
        if len(arns) > most:
            yield Fault(at=data.path(key), message=f"{len(arns)} ARNs, of at most {most}")
    for tag in entries(data.get("ListOfTags")):
        kind = text(tag.get("ConditionType"))
        if kind is not None and kind.upper() != "STRINGEQUALS":
            yield Fault(at=tag.path("ConditionType"), message=f"condition type {kind}")
