"""The key that log groups are encrypted with."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct


class LogKey(kms.Key):
    """For this account's log groups in this region, and nothing else (CloudWatch Logs User Guide, "Encrypt log data").

    It goes with its stack, as the groups do; `keep` leaves it behind, where it encrypts what stays.
    """

    def __init__(self, scope: Construct, construct_id: str, *, description: str, keep: bool = False) -> None:
        retain, destroy = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, cdk.RemovalPolicy.DESTROY
        super().__init__(scope, construct_id, description=description, removal_policy=retain if keep else destroy)
        let_logs_encrypt(self)


def let_logs_encrypt(key: kms.Key) -> None:
    """CloudWatch Logs may use it for the groups of the key's own account and region, and for nothing else."""
    stack = cdk.Stack.of(key)
    groups = stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name="*",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
            actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            resources=["*"],  # in a key's policy: this key
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        )
    )
