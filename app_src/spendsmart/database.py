"""Which database a query goes to: the writer, unless the code says that the replica's moment-old view will do.

Reading from the replica is asked for (`from_replica`), never assumed, so a view that reads what it just wrote cannot
meet an older state. A user for whom something was written within the last seconds reads from the writer; so does
everybody while the replica does not answer.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar

import redis
import structlog
from django.core.cache import cache
from django.db import InterfaceError, OperationalError, connections
from django.http import HttpRequest, HttpResponse

PIN_SECONDS = 5
"""How long a user's reads stay on the writer after a write; streaming replicas lag by milliseconds in good health."""

REST_SECONDS = 10
"""How long a replica that failed is left alone: finding out anew can take as long as PgBouncer's patience."""

T = TypeVar("T")
log = structlog.get_logger(__name__)
_alias: ContextVar[str] = ContextVar("alias", default="default")
_resting_until = 0.0


class ReplicaRouter:
    """Django's database router: reads go to `reader` inside `from_replica`, everything else to `default`."""

    def db_for_read(self, model: Any, **hints: Any) -> str:  # noqa: ARG002  (Django's signature)
        return _alias.get()

    def db_for_write(self, model: Any, **hints: Any) -> str:  # noqa: ARG002
        return "default"

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:  # noqa: ARG002
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:  # noqa: ARG002
        return db == "default"


def from_replica(user_id: Any, read: Callable[[], T]) -> tuple[T, str]:
    """What `read` returns, and the alias of the database that it came from.

    `read` must evaluate its queries, and do nothing but read: it runs a second time, on the writer, when the replica
    fails, be it in the middle (PostgreSQL cancels a replica's queries that stand in the way of replication).
    """
    global _resting_until
    if time.monotonic() >= _resting_until and not _pinned(user_id):
        try:
            with _reads_from("reader"):
                return read(), "reader"
        except (OperationalError, InterfaceError) as error:
            log.warning("replica_failed", error=str(error))
            connections["reader"].close()
            _resting_until = time.monotonic() + REST_SECONDS
    return read(), "default"


@contextlib.contextmanager
def _reads_from(alias: str) -> Iterator[None]:
    token = _alias.set(alias)
    try:
        yield
    finally:
        _alias.reset(token)


def pin_to_writer(user_id: Any) -> None:
    """Let this user read from the writer for a moment: something of theirs was just written."""
    with contextlib.suppress(redis.RedisError):  # a cache that is away must not fail the write
        cache.set(f"pinned:{user_id}", 1, PIN_SECONDS)


def _pinned(user_id: Any) -> bool:
    try:
        return cache.get(f"pinned:{user_id}") is not None
    except redis.RedisError:
        return True  # when in doubt, the writer


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
