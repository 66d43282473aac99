"""AWS Backup: the resource types are opted in where they are backed up, and the vaults that copies go to exist."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from preflight.account.answer import Answer, failed, passed, unchecked
from preflight.account.api import Account
from preflight.account.registry import check
from preflight.assembly import Assembly, Resource
from preflight.values import Node, entries, strings, target, text

SELECTION, PLAN, VAULT = "AWS::Backup::BackupSelection", "AWS::Backup::BackupPlan", "AWS::Backup::BackupVault"

# What DescribeRegionSettings calls each type.
NAMES = {
    "AWS::RDS::DBInstance": "RDS",
    "AWS::RDS::DBCluster": "Aurora",
    "AWS::S3::Bucket": "S3",
    "AWS::DynamoDB::Table": "DynamoDB",
    "AWS::DynamoDB::GlobalTable": "DynamoDB",
    "AWS::EFS::FileSystem": "EFS",
    "AWS::EC2::Volume": "EBS",
    "AWS::EC2::Instance": "EC2",
    "AWS::FSx::FileSystem": "FSx",
    "AWS::DocDB::DBCluster": "DocumentDB",
    "AWS::Neptune::DBCluster": "Neptune",
    "AWS::Redshift::Cluster": "Redshift",
    "AWS::Timestream::Table": "Timestream",
}
VAULT_ARN = re.compile(r"arn:[\w-]+:backup:(?P<region>[\w-]+):(?P<account>\d{12}):backup-vault:(?P<name>[\w-]+)")


@check("backup-opt-in", title="AWS Backup is opted in to the types that plans select by tag", constraints=(115,))
def opt_in(account: Account, assembly: Assembly) -> Iterator[Answer]:
    """Resources that a plan names by ARN are backed up in any case; those it finds by tag only after an opt-in."""
    needed: dict[str, set[str]] = defaultdict(set)
    for region, selections in account.by_region(assembly, SELECTION).items():
        candidates = account.by_region(assembly, *NAMES).get(region, [])
        for selection in selections:
            chosen = selection.get("BackupSelection")
            tags = _tag_conditions(chosen)
            if tags and not [arn for arn in entries(chosen.get("Resources")) if text(arn) != "*"]:
                needed[region] |= {_name(found) for found in candidates if _tagged(found, tags)}

    def in_region(region: str) -> Iterator[Answer]:
        found = account.ask("backup", "DescribeRegionSettings", region=region) or {}
        opted = found.get("ResourceTypeOptInPreference", {})
        for name in sorted(needed[region]):
            if name not in opted:
                yield unchecked(f"{region} {name}", "AWS Backup does not say whether this type is opted in")
            elif opted[name]:
                yield passed(f"{region} {name}", "opted in")
            else:
                yield failed(
                    f"{region} {name}",
                    "not opted in: plans that select by tag pass these resources over, without a word",
                    remedy=f"aws backup update-region-settings --region {region} "
                    f"--resource-type-opt-in-preference {name}=true (it sets all types: name the others, too)",
                )

    yield from account.each([region for region in sorted(needed) if needed[region]], in_region)


def _name(resource: Resource) -> str:
    """An Aurora cluster has an opt-in of its own; a Multi-AZ cluster of PostgreSQL or MySQL is RDS."""
    if resource.type == "AWS::RDS::DBCluster" and not (text(resource.get("Engine")) or "aurora").startswith("aurora"):
        return "RDS"
    return NAMES[resource.type]


def _tag_conditions(chosen: Node) -> list[tuple[str, str]]:
    """(key, value) pairs, any of which selects: ListOfTags, and the StringEquals of Conditions."""
    pairs = [
        (text(tag.get("ConditionKey")), text(tag.get("ConditionValue"))) for tag in entries(chosen.get("ListOfTags"))
    ]
    for tag in entries(chosen.get("Conditions", "StringEquals")):
        key = text(tag.get("ConditionKey"))
        pairs.append((key.removeprefix("aws:ResourceTag/") if key else None, text(tag.get("ConditionValue"))))
    return [(key, value) for key, value in pairs if key and value]


def _tagged(resource: Resource, wanted: list[tuple[str, str]]) -> bool:
    tags = {(text(tag.get("Key")), text(tag.get("Value"))) for tag in entries(resource.get("Tags"))}
    return any(pair in tags for pair in wanted)


@check("backup-vaults", title="The vaults that copies go to exist", constraints=(110,))
def vaults(account: Account, assembly: Assembly) -> Iterator[Answer]:
    here = {
        (region, name)
        for region, found in account.by_region(assembly, VAULT).items()
        for vault in found
        for name in strings(vault.get("BackupVaultName"))
    }
    named: dict[tuple[str, str, str], str] = {}
    for plan in account.of_type(assembly, PLAN):
        for rule in entries(plan.get("BackupPlan", "BackupPlanRule")):
            for copy in entries(rule.get("CopyActions")):
                node = copy.get("DestinationBackupVaultArn")
                match = VAULT_ARN.fullmatch(text(node) or "")
                if match and target(node, VAULT) is None:
                    named[match["region"], match["account"], match["name"]] = plan.construct_path

    def one(item: tuple[str, str, str]) -> Iterator[Answer]:
        region, owner, name = item
        subject = f"{region} {name}"
        if (region, name) in here:
            yield passed(subject, "made by these stacks")
        elif owner != account.number(region):
            yield unchecked(subject, f"it belongs to {owner}: its copies are seen with that account's credentials")
        elif any(
            vault.get("BackupVaultName") == name
            for vault in account.every("backup", "ListBackupVaults", "BackupVaultList", region=region)
        ):
            yield passed(subject, "exists")
        else:
            yield failed(
                subject,
                f"not there; copies of {named[item]} fail one by one, while the plan deploys well",
                remedy="create the vault and its key first",
            )

    yield from account.each(sorted(named), one, subject=lambda item: f"{item[0]} {item[2]}")
