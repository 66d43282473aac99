"""Log groups of tasks, encrypted with a key of their own."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.config.models import RetentionDays
from infra.retention import retention


class TaskLogs(Construct):
    """Makes log groups that share one key. Groups and key go with the stack."""

    def __init__(self, scope: Construct, construct_id: str, *, retention_days: RetentionDays) -> None:
        super().__init__(scope, construct_id)
        self.groups: dict[str, logs.LogGroup] = {}
        self._retention = retention(retention_days)
        self.key = kms.Key(
            self, "Key", description="Logs of the application's tasks", removal_policy=cdk.RemovalPolicy.DESTROY
        )
        stack = cdk.Stack.of(self)
        # For this account's groups in this region only (CloudWatch Logs User Guide, "Encrypt log data").
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
                actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
                resources=["*"],  # in a key's policy: this key
                conditions={
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": stack.format_arn(
                            service="logs",
                            resource="log-group",
                            resource_name="*",
                            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                        )
                    }
                },
            )
        )

    def group(self, construct_id: str) -> logs.LogGroup:
        self.groups[construct_id] = logs.LogGroup(
            self, construct_id, retention=self._retention, encryption_key=self.key
        )
        return self.groups[construct_id]
