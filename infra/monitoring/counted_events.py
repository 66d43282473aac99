"""Events of AWS's that alarms look at, counted as metrics."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.config import Environment
from infra.monitoring.metrics.application import namespace
from infra.small_function import SmallFunction, SmallFunctionProps


class CountedEvents(Construct):
    """One function for all rules; each rule tells it the kind, which becomes the metric's dimension.

    An event that could not be counted goes to the readers of `uncounted`, a topic encrypted with `key`, as it came: no
    alarm would tell of it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        patterns: Mapping[str, events.EventPattern],
        uncounted: sns.ITopic,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        counter = SmallFunction(
            self,
            "Counter",
            props=SmallFunctionProps(
                source="count_event.py",
                description="Counts events of AWS's as metrics",
                namespace=namespace(environment.name),
                timeout_seconds=15,
                log_retention_days=environment.logs.retention_days,
                environment={},
                undelivered=uncounted,
                allow=[
                    iam.PolicyStatement(actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[key.key_arn]),
                ],
            ),
        )
        for kind, pattern in patterns.items():
            events.Rule(
                self,
                "".join(part.capitalize() for part in kind.split("-")),
                description=f"Counts {kind}",
                event_pattern=pattern,
                targets=[
                    targets.LambdaFunction(counter.function, event=events.RuleTargetInput.from_object({"kind": kind}))
                ],
            )


def database_failovers(identifier: str) -> events.EventPattern:
    """Of one instance (RDS User Guide, "Amazon RDS event categories": 0013 begun, 0015 and 0049 complete, 0065)."""
    return events.EventPattern(
        source=["aws.rds"],
        detail_type=["RDS DB Instance Event"],
        detail={"EventCategories": ["failover"], "SourceIdentifier": [identifier]},
    )


def failed_rotations(secret_arns: list[str]) -> events.EventPattern:
    """Of these secrets; through CloudTrail, which the account has to have a trail for."""
    return events.EventPattern(
        source=["aws.secretsmanager"],
        detail_type=["AWS Service Event via CloudTrail"],
        detail={"eventName": ["RotationFailed"], "additionalEventData": {"SecretId": secret_arns}},
    )
