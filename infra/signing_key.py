"""The secret's rotation that signs tokens: a function of our own, as no database has to be told of the new value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.config.models import RetentionDays
from infra.retention import retention

_CODE = Path(__file__).parent / "functions" / "rotate_signing_key.py"


@dataclass(frozen=True, kw_only=True)
class RotationProps:
    """`days` between two rotations: a key verifies for as long again after it signed last."""

    secret: secretsmanager.ISecret
    days: int
    log_retention_days: RetentionDays


class SigningKeyRotation(Construct):
    """A new value every `days` days. The application takes it over by itself, and accepts the one before it, too."""

    def __init__(self, scope: Construct, construct_id: str, *, props: RotationProps) -> None:
        super().__init__(scope, construct_id)
        self.function = lambda_.Function(
            self,
            "Function",
            description="A new random value for the secret that tokens are signed with",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler="index.handler",
            # Outside of the VPC: it talks to Secrets Manager alone.
            code=lambda_.Code.from_inline(_CODE.read_text()),
            memory_size=128,
            timeout=cdk.Duration.seconds(30),
            log_group=logs.LogGroup(self, "Logs", retention=retention(props.log_retention_days)),
        )
        props.secret.add_rotation_schedule(
            "Rotation",
            automatically_after=cdk.Duration.days(props.days),
            rotation_lambda=self.function,
            # The value is new when the stack is made, and an edited schedule is no reason for another.
            rotate_immediately_on_update=False,
        )
