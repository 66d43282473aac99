"""The function that looks each quarter of an hour whether backups and copies are fresh."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.acknowledgement import Decision
from infra.config import Environment
from infra.monitoring.metrics.application import namespace
from infra.small_function import SmallFunction, SmallFunctionProps

_NEXT_CHECK = Decision(
    reason="The next check comes within a quarter of an hour and asks anew; the alarm check-failing tells of one that "
    "failed. Its event is the time of day: nothing in it could be tried again",
    owner="platform",
    reference="docs/runbooks/check-failing.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)


@dataclass(frozen=True, kw_only=True)
class Replication:
    """As S3 names it in its metrics; `region` is the copy's."""

    source: str
    destination: str
    rule: str
    region: str


class CopyChecks(Construct):
    """`vault` is None without backups, `replication` without a copy."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        vault: str | None,
        replication: Replication | None,
    ) -> None:
        super().__init__(scope, construct_id)
        variables, allow = {}, []
        if vault:
            variables["BACKUP_VAULT"] = vault
            allow.append(self._may_see(vault))
        if replication:
            variables |= {
                "SOURCE_BUCKET": replication.source,
                "REPLICA_BUCKET": replication.destination,
                "REPLICATION_RULE": replication.rule,
                "REPLICA_REGION": replication.region,
            }
            # The action knows no resources.
            allow.append(iam.PolicyStatement(actions=["cloudwatch:GetMetricStatistics"], resources=["*"]))
        self.function = SmallFunction(
            self,
            "Check",
            props=SmallFunctionProps(
                source="check_copies.py",
                description="Looks whether backups and copies are fresh",
                namespace=namespace(environment.name),
                timeout_seconds=60,
                undelivered=_NEXT_CHECK,
                log_retention_days=environment.logs.retention_days,
                environment=variables,
                allow=allow,
            ),
        ).function
        events.Rule(
            self,
            "EachQuarterOfAnHour",
            description="Look whether backups and copies are fresh",
            schedule=events.Schedule.rate(cdk.Duration.minutes(15)),
            targets=[targets.LambdaFunction(self.function)],
        )

    def _may_see(self, vault: str) -> iam.PolicyStatement:
        arn = cdk.Stack.of(self).format_arn(
            service="backup", resource="backup-vault", resource_name=vault, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
        )
        return iam.PolicyStatement(
            actions=["backup:DescribeBackupVault", "backup:ListRecoveryPointsByBackupVault"], resources=[arn]
        )
