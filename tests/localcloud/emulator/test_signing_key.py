"""The rotation of the signing key, as the stack declares it, and the two versions that web's role may read."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Template
from botocore.exceptions import ClientError

from infra.signing_key import RotationProps, SigningKeyRotation

from .support import Deploy, Emulator
from .test_authorization import RoleWith, role_with

__all__ = ["role_with"]  # a fixture


def _resources() -> dict[str, Any]:
    stack = cdk.Stack(cdk.App(), "Data", env=cdk.Environment(account="000000000000", region="us-east-1"))
    key = kms.Key(stack, "Key")
    secret = secretsmanager.Secret(
        stack,
        "Secret",
        encryption_key=key,
        generate_secret_string=secretsmanager.SecretStringGenerator(exclude_punctuation=True, password_length=64),
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    SigningKeyRotation(stack, "Rotation", props=RotationProps(secret=secret, days=30, log_retention_days=7))
    found: dict[str, Any] = Template.from_stack(stack).to_json()["Resources"]
    return found


def test_web_reads_both_versions_of_the_rotated_key(emulator: Emulator, deploy: Deploy, role_with: RoleWith) -> None:
    resources = _resources()
    (secret,) = (name for name, each in resources.items() if each["Type"] == "AWS::SecretsManager::Secret")
    (key,) = (name for name, each in resources.items() if each["Type"] == "AWS::KMS::Key")
    outputs = deploy("signing", resources, {"Secret": {"Ref": secret}, "Key": {"Fn::GetAtt": [key, "Arn"]}})
    administrator = emulator.client("secretsmanager")
    described = administrator.describe_secret(SecretId=outputs["Secret"])
    assert described["RotationEnabled"] is True
    assert described["RotationRules"] == {"ScheduleExpression": "rate(30 days)"}
    first = administrator.get_secret_value(SecretId=outputs["Secret"])
    second = administrator.put_secret_value(SecretId=outputs["Secret"], SecretString="y" * 64)

    statements = [
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": outputs["Secret"]},
        {
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": outputs["Key"],
            "Condition": {"StringEquals": {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}},
        },
    ]
    web = role_with(statements)("secretsmanager")
    read = {
        stage: web.get_secret_value(SecretId=outputs["Secret"], VersionStage=stage)
        for stage in ("AWSCURRENT", "AWSPREVIOUS")
    }
    assert read["AWSCURRENT"]["VersionId"] == second["VersionId"]
    assert read["AWSPREVIOUS"]["SecretString"] == first["SecretString"]
    with pytest.raises(ClientError, match="kms:Decrypt"):
        role_with(statements[:1])("secretsmanager").get_secret_value(SecretId=outputs["Secret"])
    with pytest.raises(ClientError, match="PutSecretValue"):
        web.put_secret_value(SecretId=outputs["Secret"], SecretString="z" * 64)
