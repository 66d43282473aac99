"""Temporary credentials of task and execution roles, as the ECS agent gets them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config

from localcloud import aws, tls

LIFETIME = 3600
"""Seconds a session lasts; less, and boto3 would refresh it all the time (its window is 15 minutes)."""

REFRESH_BEFORE = timedelta(minutes=20)


@dataclass(frozen=True, kw_only=True)
class Credentials:
    role_arn: str
    access_key_id: str
    secret_access_key: str
    token: str
    expires_at: datetime


class RoleSessions:
    """Sessions by role and name, renewed in time. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Credentials] = {}

    def get(self, role_arn: str, *, name: str, region: str) -> Credentials:
        """Credentials of the role for a session called `name`. Raises botocore's errors when STS refuses."""
        with self._lock:
            known = self._known.get((role_arn, name))
            if known and known.expires_at - datetime.now(UTC) > REFRESH_BEFORE:
                return known
            given = aws.client("sts", region).assume_role(
                RoleArn=role_arn, RoleSessionName=name, DurationSeconds=LIFETIME
            )["Credentials"]
            self._known[role_arn, name] = Credentials(
                role_arn=role_arn,
                access_key_id=given["AccessKeyId"],
                secret_access_key=given["SecretAccessKey"],
                token=given["SessionToken"],
                expires_at=given["Expiration"],
            )
            return self._known[role_arn, name]

    def forget(self, *, name: str) -> None:
        with self._lock:
            self._known = {key: value for key, value in self._known.items() if key[1] != name}

    def client(self, service: str, role_arn: str, *, name: str, region: str, read_timeout: int = 20) -> Any:
        """A boto3 client that acts as the role; `read_timeout` is in seconds."""
        credentials = self.get(role_arn, name=name, region=region)
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=aws.endpoint(),
            verify=str(tls.material().authority),
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.token,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=5, read_timeout=read_timeout
            ),
        )
