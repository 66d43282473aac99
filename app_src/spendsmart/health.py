"""`/livez`: this process answers. `/readyz`: it can serve.

A task that starts is ready once it has reached the databases and the broker. From then on, what all tasks share and
none can mend makes none of them unready: ECS would replace them all, and the outage would go on while they start. Its
own PgBouncer does, as other tasks have theirs.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import redis
from django.db import DatabaseError, connections
from django.http import HttpRequest, HttpResponse, JsonResponse

from spendsmart import broker

PATIENCE = 3.0
"""Seconds all parts together may take; the load balancer waits five. PgBouncer alone would wait ten for a database."""

POOL_PATIENCE = 0.5

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""The smallest message that makes a server of PostgreSQL's protocol answer, with one byte."""

_threads = ThreadPoolExecutor(max_workers=3, thread_name_prefix="readyz")
_running: dict[str, Future[str | None]] = {}
_reached = threading.Event()
"""Set once every part had answered this process."""


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
    """200 when every part that we cannot do without answers, else 503; the body says how each part is."""
    deadline = time.monotonic() + PATIENCE
    checks = {name: _start(name, check) for name, check in _CHECKS.items()}
    faults = {name: _fault(check, deadline) for name, check in checks.items()}
    # Reads fall back to the writer: a lost replica is no reason to take the task out of service.
    failed = any(fault for name, fault in faults.items() if name != "reader")
    if not failed:
        _reached.set()
    unready = failed and not (_reached.is_set() and _pool_answers())
    status = "failed" if unready else "degraded" if failed else "ok"
    body = {"status": status, "parts": {name: fault or "ok" for name, fault in faults.items()}}
    return JsonResponse(body, status=503 if unready else 200)


def _start(name: str, check: Callable[[], str | None]) -> Future[str | None]:
    """A check that still hangs from last time is not started again: it has its answer to give yet."""
    if name not in _running or _running[name].done():
        _running[name] = _threads.submit(check)
    return _running[name]


def _fault(check: Future[str | None], deadline: float) -> str | None:
    try:
        return check.result(timeout=max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        return f"no answer within {PATIENCE:.0f} s"


def _database(alias: str) -> str | None:
    """A new connection each time, so that it is the server that is asked and not a connection's memory."""
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return type(error).__name__
    finally:
        connections[alias].close()
    return None


def _pool_answers() -> bool:
    """Whether the task's own PgBouncer speaks PostgreSQL's protocol, whatever is behind it."""
    server = connections["default"].settings_dict
    try:
        with socket.create_connection((server["HOST"], int(server["PORT"])), POOL_PATIENCE) as connection:
            connection.sendall(_SSL_REQUEST)
            return connection.recv(1) in (b"S", b"N")
    except OSError:
        return False


def _broker() -> str | None:
    try:
        broker.client().ping()
    except redis.RedisError as error:
        return type(error).__name__
    return None


_CHECKS: dict[str, Callable[[], str | None]] = {
    "writer": lambda: _database("default"),
    "reader": lambda: _database("reader"),
    "broker": _broker,
}
