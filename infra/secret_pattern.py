"""How a policy names a secret of which only the beginning of the ARN is known."""

from __future__ import annotations

from aws_cdk import aws_secretsmanager as secretsmanager


def secret_pattern(secret: secretsmanager.ISecret, arn: str | None = None) -> str:
    """What a right to a secret names, which the stack knows as `arn` (by default by the secret itself).

    AWS adds six characters to each secret's ARN and checks rights against the whole of it; of a copy from another
    region they are not known beforehand.
    """
    arn = arn or secret.secret_arn
    return arn if secret.secret_full_arn else f"{arn}-??????"
