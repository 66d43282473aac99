"""The steps of docs/runbooks/region-lost.md, by the calls that it names. Everything is asked of the second region."""

from __future__ import annotations

from dataclasses import dataclass

from localcloud import aws, cdk, migration, outputs
from localcloud.console import LocalCloudError
from localcloud.drill.platform import Platform


@dataclass(frozen=True, kw_only=True)
class Backup:
    """The replicated backup of the database: what `-c restore` is told, and the Unix time that it goes up to."""

    arn: str
    latest: float


def free_secrets(env: str, region: str) -> list[str]:
    """Step 1: make the copies of the secrets independent; their names."""
    secrets = aws.client("secretsmanager", region)
    pages = secrets.get_paginator("list_secrets").paginate(
        Filters=[{"Key": "name", "Values": [f"spendsmart-{env}/"]}]
    )  # fmt: skip
    names = sorted(secret["Name"] for page in pages for secret in page["SecretList"])
    for name in names:
        secrets.stop_replication_to_replica(SecretId=name)
    return names


def find_backup(env: str, region: str) -> Backup:
    """Step 2. Raises LocalCloudError where there is none."""
    found = aws.client("rds", region).describe_db_instance_automated_backups(DBInstanceIdentifier=f"spendsmart-{env}")
    for backup in found["DBInstanceAutomatedBackups"]:
        if window := backup.get("RestoreWindow"):
            return Backup(arn=backup["DBInstanceAutomatedBackupsArn"], latest=window["LatestTime"].timestamp())
    raise LocalCloudError(f"{region} has no replicated backup of spendsmart-{env}", remedy="run: make destroy, make up")


def deploy(env: str, region: str, backup: Backup) -> None:
    """Step 3. Raises CdkError."""
    outputs.path().unlink(missing_ok=True)
    cdk.run(
        [
            *("deploy", "--all", "--require-approval", "never", "--no-notices"),
            *("--concurrency", str(cdk.CONCURRENCY), "--output", str(outputs.assembly())),
            *("--outputs-file", str(outputs.path())),
            *("-c", f"env={env}", "-c", f"region={region}", "-c", f"restore={backup.arn}"),
            *("-c", f"preview.domain={cdk.PREVIEW_DOMAIN}"),
        ],
        region=region,
    )


def migrate(platform: Platform) -> bool:
    """Step 4: only where the deployment has not done so; whether it was needed. Raises LocalCloudError."""
    described = platform.client("ecs").describe_services(cluster=platform.cluster, services=[platform.service("web")])
    if described["services"][0]["deploymentConfiguration"].get("strategy", "ROLLING") != "ROLLING":
        return False
    migration.run()
    return True
