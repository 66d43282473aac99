"""Which database a query goes to: the writer, unless the code says that the replica's moment-old view will do.

Reading from the replica is asked for (`with reading_replica(user)`), never assumed, so a view that reads what it just
wrote cannot meet an older state. A user who wrote within the last seconds reads from the writer; so does everybody
while the replica does not answer.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import structlog
from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.http import HttpRequest, HttpResponse

PIN_SECONDS = 5
"""How long a user's reads stay on the writer after a write; streaming replicas lag by milliseconds in good health."""

log = structlog.get_logger(__name__)
_use_reader: ContextVar[bool] = ContextVar("use_reader", default=False)


class ReplicaRouter:
    """Django's database router: reads go to `reader` inside `reading_replica`, everything else to `default`."""

    def db_for_read(self, model: Any, **hints: Any) -> str:  # noqa: ARG002  (Django's signature)
        return "reader" if _use_reader.get() else "default"

    def db_for_write(self, model: Any, **hints: Any) -> str:  # noqa: ARG002
        return "default"

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:  # noqa: ARG002
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:  # noqa: ARG002
        return db == "default"


@contextlib.contextmanager
def reading_replica(user_id: Any) -> Iterator[str]:
    """Reads in this block may come from the replica; yields the alias that they come from."""
    alias = "default" if _pinned(user_id) or not _answers("reader") else "reader"
    token = _use_reader.set(alias == "reader")
    try:
        yield alias
    finally:
        _use_reader.reset(token)


def pin_to_writer(user_id: Any) -> None:
    """Let this user read from the writer for a moment: they just wrote."""
    with contextlib.suppress(Exception):  # a cache that is away must not fail the write
        cache.set(f"pinned:{user_id}", 1, PIN_SECONDS)


def _pinned(user_id: Any) -> bool:
    try:
        return cache.get(f"pinned:{user_id}") is not None
    except Exception:  # noqa: BLE001  (whatever the cache's client raises: when in doubt, the writer)
        return True


def _answers(alias: str) -> bool:
    try:
        connections[alias].ensure_connection()
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
    except (OperationalError, InterfaceError, DatabaseError) as error:
        log.warning("replica_unavailable", error=str(error))
        connections[alias].close()
        return False
    return True


class PinMiddleware:
    """Pins the user of every request that may have written."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        user = getattr(request, "user", None)
        if request.method not in {"GET", "HEAD", "OPTIONS"} and user is not None and user.is_authenticated:
            pin_to_writer(user.pk)
        return response
