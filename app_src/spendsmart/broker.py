"""The broker as a server: whether it answers, and what lies in its queues."""

from __future__ import annotations

from functools import cache

import redis
from django.conf import settings

TIMEOUT = 2
"""Seconds the broker may take; the load balancer gives a health check five."""


@cache
def client() -> redis.Redis:
    """A client with short timeouts; Celery has its own."""
    return redis.Redis.from_url(
        settings.BROKER_URL,
        ssl_ca_certs=settings.TLS_AUTHORITIES,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
    )


def messages() -> int:
    """Messages that no worker has taken yet, over all queues. Raises redis.RedisError."""
    return sum(messages_by_queue().values())


def messages_by_queue() -> dict[str, int]:
    """Messages that no worker has taken yet, in every queue. Raises redis.RedisError."""
    return {queue: int(client().llen(settings.BROKER_PREFIX + queue)) for queue in settings.QUEUES}
