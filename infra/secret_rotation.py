"""Rotation of a secret by a function of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.acknowledgement import Decision
from infra.config.models import RetentionDays
from infra.secret_pattern import secret_pattern
from infra.small_function import SmallFunction, SmallFunctionProps

_CALLED_AGAIN = Decision(
    reason="Secrets Manager calls a step that failed again, and tells of a rotation that failed by an event, which the "
    "alarm secret-rotation-failed looks at: nothing of value is in the call that a queue could keep",
    owner="platform",
    reference="docs/adr/0057-functions-of-the-platform.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)


@dataclass(frozen=True, kw_only=True)
class SecretRotationProps:
    """`source` is the function's file in `infra/functions/`; `allow` is what it may do beside changing the secret."""

    secret: secretsmanager.ISecret
    days: int
    source: str
    description: str
    timeout_seconds: int
    log_retention_days: RetentionDays
    environment: Mapping[str, str] = field(default_factory=dict)
    allow: Sequence[iam.PolicyStatement] = ()


class SecretRotation(Construct):
    """A new value every `days` days, from a function outside of the VPC: it asks AWS's APIs alone."""

    def __init__(self, scope: Construct, construct_id: str, *, props: SecretRotationProps) -> None:
        super().__init__(scope, construct_id)
        small = SmallFunction(
            self,
            "New",
            props=SmallFunctionProps(
                source=props.source,
                description=props.description,
                timeout_seconds=props.timeout_seconds,
                environment=props.environment,
                undelivered=_CALLED_AGAIN,
                log_retention_days=props.log_retention_days,
                allow=[*_may_rotate(self, props.secret), *props.allow],
            ),
        )
        self.function = small.function
        # As an imported one, CDK leaves its role alone: it would add the right to make random passwords, anywhere.
        rotator = lambda_.Function.from_function_attributes(
            self,
            "Rotator",
            function_arn=self.function.function_arn,
            role=small.role.without_policy_updates(),
            same_environment=True,
        )
        props.secret.add_rotation_schedule(
            "Rotation",
            automatically_after=cdk.Duration.days(props.days),
            rotation_lambda=rotator,
            # The value is new when the stack is made, and an edited schedule is no reason for another.
            rotate_immediately_on_update=False,
        ).node.add_dependency(small.role)
        _called_for_this_account_only(rotator)


def _called_for_this_account_only(rotator: lambda_.IFunction) -> None:
    """Secrets Manager calls it for secrets of this account: CDK's permission would let it do so for anybody's.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html
    """
    for made in rotator.node.find_all():
        if isinstance(made, lambda_.CfnPermission):
            made.source_account = cdk.Stack.of(rotator).account


def _may_rotate(scope: Construct, secret: secretsmanager.ISecret) -> list[iam.PolicyStatement]:
    key = secret.encryption_key
    if key is None:
        raise ValueError(f"{secret.node.path} has no key of its own")
    return [
        iam.PolicyStatement(
            actions=[
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ],
            resources=[secret_pattern(secret)],
        ),
        iam.PolicyStatement(
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[key.key_arn],
            conditions={
                "StringEquals": {"kms:ViaService": f"secretsmanager.{cdk.Stack.of(scope).region}.amazonaws.com"}
            },
        ),
    ]
