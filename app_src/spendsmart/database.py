"""Which database a query goes to: the writer, unless the code says that the replica's moment-old view will do.

Reading from the replica is asked for (`from_replica`), never assumed, so a view that reads what it just wrote cannot
meet an older state. The replica answers a user once it has replayed that user's last write. Until then, and while it
is away or lags, the writer does. So it does while the cache, which knows of the writes, is away.

Every statement stands by itself: PgBouncer, in transaction pooling, may send the next one over another connection.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar

import redis
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse

from spendsmart import writes
from spendsmart.replica import replica

T = TypeVar("T")
_alias: ContextVar[str] = ContextVar("alias", default="default")

_READ_ONLY = "25006"
"""SQLSTATE of a write on a server that follows another one: amid a failover the writer's name may lead there."""


def is_away(exception: BaseException) -> bool:
    """Whether it says that no server did what was asked, and not that what was asked is wrong."""
    if isinstance(exception, InternalError):
        return getattr(exception.__cause__, "pgcode", None) == _READ_ONLY
    return isinstance(exception, (OperationalError, InterfaceError))


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
    """What `read` returns, all of the user's writes included, and the alias of the database that it came from.

    `read` must evaluate its queries, and do nothing but read: it runs a second time, on the writer, when the replica
    fails, be it in the middle (PostgreSQL cancels a replica's queries that stand in the way of replication).
    """
    try:
        position = writes.position_of(user_id)
    except (redis.RedisError, DatabaseError):
        position = None
    return read_since(position, read)


def read_since(position: int | None, read: Callable[[], T]) -> tuple[T, str]:
    """As `from_replica`, with everything up to a position in the log; None is one that nobody knows."""
    if position is not None and replica.has(position):
        try:
            with reads_from("reader"):
                found = read()
        except (OperationalError, InterfaceError) as error:
            replica.failed(error)
        else:
            replica.count("reader")
            return found, "reader"
    replica.count("default")
    return read(), "default"


@contextlib.contextmanager
def reads_from(alias: str) -> Iterator[None]:
    """Reads go to this database, whatever they are of."""
    token = _alias.set(alias)
    try:
        yield
    finally:
        _alias.reset(token)


def is_read_from(alias: str) -> bool:
    """Whether reads go to this database now."""
    return _alias.get() == alias


class PinMiddleware:
    """Pins the user of every request that may have written, be it something that no manager notes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        user = getattr(request, "user", None)
        if request.method not in {"GET", "HEAD", "OPTIONS"} and user is not None and user.is_authenticated:
            writes.mark([user.pk])
        return response
