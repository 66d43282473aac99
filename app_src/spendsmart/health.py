"""`/livez`: this process answers. `/readyz`: so do the databases and the broker that it needs."""

from __future__ import annotations

from collections.abc import Callable

import redis
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, HttpResponse, JsonResponse

TIMEOUT = 2
"""Seconds the broker may take; the load balancer gives a health check five."""

_broker: redis.Redis | None = None


class HealthMiddleware:
    """Answers the two health checks before anything else looks at the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/livez":
            return JsonResponse({"status": "ok"})
        if request.path == "/readyz":
            return ready()
        return self.get_response(request)


def ready() -> HttpResponse:
    """200 when every part answers, else 503; the body says of each part what is wrong with it."""
    parts = {"writer": _database("default"), "reader": _database("reader"), "broker": _broker_answers()}
    # Reads fall back to the writer: a lost replica is no reason to take the task out of service.
    failed = [name for name, fault in parts.items() if fault and name != "reader"]
    body = {"status": "failed" if failed else "ok", "parts": {name: fault or "ok" for name, fault in parts.items()}}
    return JsonResponse(body, status=503 if failed else 200)


def _database(alias: str) -> str | None:
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception as error:  # noqa: BLE001  (a health check reports whatever went wrong)
        connections[alias].close()
        return type(error).__name__
    return None


def _broker_answers() -> str | None:
    global _broker
    try:
        if _broker is None:
            _broker = redis.Redis.from_url(
                settings.BROKER_URL,
                ssl_ca_certs=settings.TLS_AUTHORITIES,
                socket_timeout=TIMEOUT,
                socket_connect_timeout=TIMEOUT,
            )
        _broker.ping()
    except redis.RedisError as error:
        return type(error).__name__
    return None
