"""A preview's keys in Valkey, which its users leave behind."""

from __future__ import annotations

import json
import os

import boto3
import redis

_BATCH = 500


def delete_all(prefix: str) -> int:
    """Delete the keys of both servers that begin with `prefix`, as the environment's own user; how many there were.

    A preview's own user may not ask which keys there are.
    """
    return sum(_delete(server, prefix) for server in json.loads(os.environ["VALKEY_SERVERS"]))


def _delete(server: dict[str, str], prefix: str) -> int:
    secrets = boto3.client("secretsmanager")
    password = secrets.get_secret_value(SecretId=server["secret"])["SecretString"]
    with redis.Redis(
        host=server["host"],
        port=int(server["port"]),
        username=server["username"],
        password=password,
        ssl=True,
        # Amazon's authorities are among the runtime's.
        ssl_ca_certs=os.environ.get("AWS_CA_BUNDLE"),
        socket_timeout=20,
    ) as client:
        found = list(client.scan_iter(match=f"{prefix}*", count=_BATCH))
        for start in range(0, len(found), _BATCH):
            client.unlink(*found[start : start + _BATCH])
    return len(found)
