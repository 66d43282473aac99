"""The secret's rotation that signs tokens: a function of our own, as no database has to be told of the new value."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.config.models import RetentionDays
from infra.secret_rotation import SecretRotation, SecretRotationProps


@dataclass(frozen=True, kw_only=True)
class RotationProps:
    """`days` between two rotations: a key verifies for as long again after it signed last."""

    secret: secretsmanager.ISecret
    days: int
    log_retention_days: RetentionDays


class SigningKeyRotation(SecretRotation):
    """A new value every `days` days. The application takes it over by itself, and accepts the one before it, too."""

    def __init__(self, scope: Construct, construct_id: str, *, props: RotationProps) -> None:
        super().__init__(
            scope,
            construct_id,
            props=SecretRotationProps(
                secret=props.secret,
                days=props.days,
                source="rotate_signing_key.py",
                description="A new random value for the secret that tokens are signed with",
                timeout_seconds=30,
                log_retention_days=props.log_retention_days,
            ),
        )
