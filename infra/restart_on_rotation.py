"""New tasks after a secret was rotated, as a task reads its secrets only when it starts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.acknowledgement import Decision
from infra.small_function import SmallFunction, SmallFunctionProps

_SEEN = Decision(
    reason="A restart that failed shows at once: new connections with the old password are refused, and the alarms "
    "database-unreachable and web-errors have a runbook for it. The event itself holds nothing that a queue could keep",
    owner="platform",
    reference="docs/runbooks/secret-rotation-failed.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)


class RestartOnRotation(Construct):
    """Rolls every service to the same release when one of the secrets has a new value.

    Until the roll ends, PgBouncer works on with the connections that it has. Secrets Manager tells of a rotation
    through CloudTrail: the account needs a trail (Secrets Manager User Guide, "Match events with EventBridge").
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        secret_arns: Sequence[str],
        services: Sequence[ecs.FargateService],
        log_group: logs.ILogGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        rule = events.Rule(
            self,
            "Rotated",
            description="A password of the services was rotated",
            event_pattern=events.EventPattern(
                source=["aws.secretsmanager"],
                detail_type=["AWS Service Event via CloudTrail"],
                detail={"eventName": ["RotationSucceeded"], "additionalEventData": {"SecretId": list(secret_arns)}},
            ),
        )
        cluster, arns = services[0].cluster, [service.service_arn for service in services]
        small = SmallFunction(
            self,
            "Restart",
            props=SmallFunctionProps(
                source="restart_services.py",
                description="Restarts the services after a password of theirs was rotated",
                timeout_seconds=30,
                log_group=log_group,
                environment={
                    "CLUSTER": cluster.cluster_name,
                    "SERVICES": ",".join(service.service_name for service in services),
                },
                allow=[iam.PolicyStatement(actions=["ecs:UpdateService"], resources=arns)],
                undelivered=_SEEN,
            ),
        )
        rule.add_target(targets.LambdaFunction(small.function))
