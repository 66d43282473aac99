"""Rotates the secret that tokens are signed with: a new random value, and no other party that has to be told.

Secrets Manager calls once for each of its four steps, and may call a step again:
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

import secrets
from typing import Any

import boto3

BYTES = 48
"""HMAC-SHA256 asks for 32 at least (RFC 7518, section 3.2)."""


def handler(event: dict[str, str], _context: object) -> None:
    step, secret, version = event["Step"], event["SecretId"], event["ClientRequestToken"]
    client = boto3.client("secretsmanager")
    stages = client.describe_secret(SecretId=secret)["VersionIdsToStages"]
    if "AWSCURRENT" in stages.get(version, []):
        return  # done before
    if step == "createSecret":
        _create(client, secret, version)
    elif step == "testSecret":
        _test(client, secret, version)
    elif step == "finishSecret":
        current = next(each for each, labels in stages.items() if "AWSCURRENT" in labels)
        # Secrets Manager itself moves AWSPREVIOUS to the version that was current.
        client.update_secret_version_stage(
            SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=version, RemoveFromVersionId=current
        )
    elif step != "setSecret":
        raise ValueError(f"unknown step {step}")


def _create(client: Any, secret: str, version: str) -> None:
    try:
        client.get_secret_value(SecretId=secret, VersionId=version, VersionStage="AWSPENDING")
    except client.exceptions.ResourceNotFoundException:
        client.put_secret_value(
            SecretId=secret,
            ClientRequestToken=version,
            SecretString=secrets.token_urlsafe(BYTES),
            VersionStages=["AWSPENDING"],
        )


def _test(client: Any, secret: str, version: str) -> None:
    value = client.get_secret_value(SecretId=secret, VersionId=version, VersionStage="AWSPENDING")["SecretString"]
    if len(value) < 32:
        raise ValueError(f"version {version} of {secret} has {len(value)} characters")
