"""Engine versions: still to be had for a new database, reachable from the one that runs, and their parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.account.answer import Answer, failed, passed, unchecked
from preflight.account.api import Account, place
from preflight.account.registry import check
from preflight.assembly import Assembly, Resource
from preflight.values import integer, text

INSTANCE, CLUSTER = "AWS::RDS::DBInstance", "AWS::RDS::DBCluster"
GONE = {INSTANCE: ("DBInstanceNotFound", "DBInstanceNotFoundFault"), CLUSTER: ("DBClusterNotFoundFault",)}


def running(account: Account, region: str, resource: Resource) -> dict[str, Any] | None:
    """The deployed database as RDS describes it; None when there is none yet."""
    physical = account.physical(resource)
    if physical is None:
        return None
    if resource.type == CLUSTER:
        found = account.ask(
            "rds", "DescribeDBClusters", region=region, absent=GONE[CLUSTER], DBClusterIdentifier=physical
        )
        listed = (found or {}).get("DBClusters", [])
    else:
        found = account.ask(
            "rds", "DescribeDBInstances", region=region, absent=GONE[INSTANCE], DBInstanceIdentifier=physical
        )
        listed = (found or {}).get("DBInstances", [])
    return listed[0] if listed else None


def covers(wanted: str, version: str) -> bool:
    """A template may name a major version ("17") or leave the last part out ("8.0")."""
    return version == wanted or version.startswith(f"{wanted}.")


@check("engine-versions", title="The engine versions can still be created, or upgraded to", constraints=(52,))
def engine_versions(account: Account, assembly: Assembly) -> Iterator[Answer]:
    questions = [
        (region, resource)
        for region, resources in account.by_region(assembly, INSTANCE, CLUSTER).items()
        for resource in resources
        if text(resource.get("Engine")) and text(resource.get("EngineVersion"))
    ]

    def one(item: tuple[str, Resource]) -> Iterator[Answer]:
        region, resource = item
        engine, wanted = text(resource.get("Engine")) or "", text(resource.get("EngineVersion")) or ""
        available = account.every("rds", "DescribeDBEngineVersions", "DBEngineVersions", region=region, Engine=engine)
        offered = {str(found.get("EngineVersion", "")): found for found in available}
        deployed = running(account, region, resource)
        subject = f"{region} {resource.construct_path}"
        if deployed is not None and covers(wanted, str(deployed.get("EngineVersion", ""))):
            yield passed(subject, f"{engine} {deployed['EngineVersion']} runs already")
        elif not any(covers(wanted, version) for version in offered):
            near = sorted((v for v in offered if v.split(".")[0] == wanted.split(".")[0]), key=_numbers)
            yield failed(
                subject,
                f"{engine} {wanted} cannot be created; " + (f"{', '.join(near[-6:])} can" if near else "nor its major"),
                remedy="choose a version that is still offered",
            )
        elif deployed is not None:
            current = str(deployed.get("EngineVersion", ""))
            targets = [
                str(to.get("EngineVersion", "")) for to in offered.get(current, {}).get("ValidUpgradeTarget", [])
            ]
            if current not in offered:
                yield unchecked(subject, f"RDS no longer lists {engine} {current}, which runs, with its upgrades")
            elif any(covers(wanted, version) for version in targets):
                yield passed(subject, f"{engine} {current} can be upgraded to {wanted}")
            else:
                yield failed(
                    subject,
                    f"{engine} {current} runs; it can be upgraded to {', '.join(targets) or 'none'}, not to {wanted}",
                    remedy="upgrade by way of a version that leads there, or keep the one that runs",
                )
        else:
            yield passed(subject, f"{engine} {wanted} can be created")

    yield from account.each(questions, one, subject=place)


def _numbers(version: str) -> list[int]:
    return [int(part) if part.isdigit() else 0 for part in version.split(".")]


@check("backup-retention", title="Automated backups keep the retention that AWS Backup set", constraints=(66,))
def backup_retention(account: Account, assembly: Assembly) -> Iterator[Answer]:
    questions = [
        (region, resource)
        for region, resources in account.by_region(assembly, INSTANCE, CLUSTER).items()
        for resource in resources
        if integer(resource.get("BackupRetentionPeriod")) is not None
    ]

    def one(item: tuple[str, Resource]) -> Iterator[Answer]:
        region, resource = item
        deployed = running(account, region, resource)
        if deployed is None or not deployed.get("AwsBackupRecoveryPointArn"):
            return
        wanted, live = integer(resource.get("BackupRetentionPeriod")), deployed.get("BackupRetentionPeriod")
        subject = f"{region} {resource.construct_path}"
        if wanted == live:
            yield passed(subject, f"{live} days, as AWS Backup's continuous backup set it")
        else:
            yield failed(
                subject,
                f"{wanted} days; AWS Backup's continuous backup holds it at {live}, and RDS refuses the change",
                remedy=f"set BackupRetentionPeriod to {live}, and change it in the backup plan",
            )

    yield from account.each(questions, one, subject=place)


@check("cache-versions", title="The cache engine versions can be created")
def cache_versions(account: Account, assembly: Assembly) -> Iterator[Answer]:
    questions = [
        (region, resource)
        for region, resources in account.by_region(
            assembly, "AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::CacheCluster"
        ).items()
        for resource in resources
        if text(resource.get("EngineVersion"))
    ]

    def one(item: tuple[str, Resource]) -> Iterator[Answer]:
        region, resource = item
        engine, wanted = text(resource.get("Engine")) or "redis", text(resource.get("EngineVersion")) or ""
        wanted = wanted.removesuffix(".x")
        found = account.every(
            "elasticache", "DescribeCacheEngineVersions", "CacheEngineVersions", region=region, Engine=engine
        )
        offered = sorted({str(version.get("EngineVersion", "")) for version in found}, key=_numbers)
        subject = f"{region} {resource.construct_path}"
        if any(covers(wanted, version) or covers(version, wanted) for version in offered if version):
            yield passed(subject, f"{engine} {wanted} can be created")
        elif account.physical(resource) is not None:
            yield unchecked(subject, f"{engine} {wanted} is no longer offered; the group exists and may run it already")
        else:
            yield failed(
                subject,
                f"{engine} {wanted} cannot be created; {', '.join(offered) or 'nothing'} can",
                remedy="choose a version that is still offered",
            )

    yield from account.each(questions, one, subject=place)
