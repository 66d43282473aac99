"""The cache as a server, for what Django's cache cannot say. What is in it may be gone at any moment."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT = 0.5
"""Seconds: whoever asks the cache is about to save less than that."""


@cache
def client() -> redis.Redis:
    """Bytes in, bytes out. A connection that the server closed meanwhile is replaced once, at once."""
    return redis.Redis.from_url(
        settings.CACHE_URL,
        ssl_ca_certs=settings.TLS_AUTHORITIES,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        retry=Retry(NoBackoff(), 1),
    )


class JsonSerializer:
    """For Django's cache. What is no JSON is not ours: as if the cache had not answered, and never run as a program."""

    def dumps(self, value: Any) -> bytes | int:
        return value if type(value) is int else json.dumps(value).encode()  # counters have to be the server's numbers

    def loads(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except ValueError as error:
            raise redis.DataError("what is in the cache is not ours") from error


def key(*parts: object) -> str:
    return ":".join((settings.ENVIRONMENT, *map(str, parts)))
