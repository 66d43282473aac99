"""Previews' keys in Valkey, which their users leave behind. They are read and deleted by the environment's own user: a
preview's may not ask which keys there are."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import redis

_BATCH = 500
_OWNED = re.compile(rb"preview-([a-z](?:-?[a-z0-9])*):")
"""How a preview's keys begin, with its name (`previews/names.py`)."""


def owners() -> set[str]:
    """The names of those who have keys on some server."""
    found: set[str] = set()
    for server in _servers():
        with _connected(server) as client:
            matches = map(_OWNED.match, client.scan_iter(match="preview-*:*", count=_BATCH))
            found |= {match[1].decode() for match in matches if match}
    return found


def delete_all(prefix: str) -> int:
    """Delete the keys of all servers that begin with `prefix`; how many there were."""
    return sum(_delete(server, prefix) for server in _servers())


def _servers() -> list[dict[str, str]]:
    servers: list[dict[str, str]] = json.loads(os.environ["VALKEY_SERVERS"])
    return servers


def _delete(server: dict[str, str], prefix: str) -> int:
    with _connected(server) as client:
        found = list(client.scan_iter(match=f"{prefix}*", count=_BATCH))
        for start in range(0, len(found), _BATCH):
            client.unlink(*found[start : start + _BATCH])
    return len(found)


@contextmanager
def _connected(server: dict[str, str]) -> Iterator[redis.Redis]:
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
        yield client
