"""boto3 clients of the local cloud, as its root user."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from localcloud import layout, tls


@dataclass(frozen=True, kw_only=True)
class RootCredentials:
    access_key_id: str
    secret_access_key: str


def endpoint() -> str:
    return f"https://{layout.LOOPBACK}:{layout.ports().api}"


def root_credentials() -> RootCredentials:
    """The root user's key, drawn at random on the first call and kept where only its owner reads it."""
    path = layout.folder("secrets") / "root.json"
    if not path.exists():
        drawn = {
            "access_key_id": "AKIA" + "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16)),
            "secret_access_key": secrets.token_urlsafe(30),
        }
        layout.write_private(path, json.dumps(drawn))
    return RootCredentials(**json.loads(path.read_text()))


@cache
def client(service: str, region: str) -> Any:
    """A client of `service` in `region`. Clients are safe to share between threads, so each is made once."""
    root = root_credentials()
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=endpoint(),
        verify=str(tls.material().authority),
        aws_access_key_id=root.access_key_id,
        aws_secret_access_key=root.secret_access_key,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=5, s3={"addressing_style": "path"}
        ),
    )
