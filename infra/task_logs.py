"""Log groups of tasks, encrypted with a key of their own."""

from __future__ import annotations

from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.config.models import RetentionDays
from infra.log_key import LogKey
from infra.retention import retention


class TaskLogs(Construct):
    """Makes log groups that share one key. Groups and key go with the stack."""

    def __init__(self, scope: Construct, construct_id: str, *, retention_days: RetentionDays) -> None:
        super().__init__(scope, construct_id)
        self.groups: dict[str, logs.LogGroup] = {}
        self._retention = retention(retention_days)
        self.key = LogKey(self, "Key", description="Logs of the application's tasks")

    def group(self, construct_id: str) -> logs.LogGroup:
        self.groups[construct_id] = logs.LogGroup(
            self, construct_id, retention=self._retention, encryption_key=self.key
        )
        return self.groups[construct_id]
