"""Rotates the password of a Valkey user: for one rotation the user has two, so that running tasks stay logged in.

Secrets Manager calls once for each of its four steps, and may call a step again:
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

import os
import secrets
import time
from typing import Any

import boto3

BYTES = 48
"""64 characters; ElastiCache takes 16 to 128."""

PATIENCE_SECONDS = 90
"""A changed user is active after some seconds (ModifyUser)."""


def handler(event: dict[str, str], _context: object) -> None:
    step, secret, version = event["Step"], event["SecretId"], event["ClientRequestToken"]
    client = boto3.client("secretsmanager")
    stages = client.describe_secret(SecretId=secret)["VersionIdsToStages"]
    if "AWSCURRENT" in stages.get(version, []):
        return  # done before
    if step == "createSecret":
        _create(client, secret, version)
    elif step == "setSecret":
        _set(client, secret, version)
    elif step == "testSecret":
        _wait()
    elif step == "finishSecret":
        current = next(each for each, labels in stages.items() if "AWSCURRENT" in labels)
        client.update_secret_version_stage(
            SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=version, RemoveFromVersionId=current
        )
    else:
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


def _set(client: Any, secret: str, version: str) -> None:
    current = client.get_secret_value(SecretId=secret, VersionStage="AWSCURRENT")["SecretString"]
    pending = client.get_secret_value(SecretId=secret, VersionId=version, VersionStage="AWSPENDING")["SecretString"]
    _wait()  # a user that is being changed refuses another change
    boto3.client("elasticache").modify_user(UserId=os.environ["USER_ID"], Passwords=[current, pending])


def _wait() -> None:
    client, user = boto3.client("elasticache"), os.environ["USER_ID"]
    end = time.monotonic() + PATIENCE_SECONDS
    while (status := client.describe_users(UserId=user)["Users"][0]["Status"]) != "active":
        if time.monotonic() > end:
            raise TimeoutError(f"the user {user} is {status} after {PATIENCE_SECONDS} s")
        time.sleep(2)
