"""New tasks after a secret was rotated, as a task reads its secrets only when it starts."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct


class RestartOnRotation(Construct):
    """Rolls every service to the same release when the secret has a new value.

    Until the roll ends, PgBouncer works on with the connections that it has. Secrets Manager tells of a rotation
    through CloudTrail: the account needs a trail (Secrets Manager User Guide, "Match events with EventBridge").
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, secret_arn: str, services: Sequence[ecs.FargateService]
    ) -> None:
        super().__init__(scope, construct_id)
        rule = events.Rule(
            self,
            "Rotated",
            description="The database password was rotated",
            event_pattern=events.EventPattern(
                source=["aws.secretsmanager"],
                detail_type=["AWS Service Event via CloudTrail"],
                detail={"eventName": ["RotationSucceeded"], "additionalEventData": {"SecretId": [secret_arn]}},
            ),
        )
        for service in services:
            rule.add_target(
                targets.AwsApi(
                    service="ECS",
                    action="updateService",
                    parameters={
                        "cluster": service.cluster.cluster_name,
                        "service": service.service_name,
                        "forceNewDeployment": True,
                    },
                    policy_statement=iam.PolicyStatement(
                        actions=["ecs:UpdateService"], resources=[service.service_arn]
                    ),
                )
            )
