"""Up to where the log of the database holds a user's writes: what any later view of theirs has to contain.

A position is a log sequence number of PostgreSQL's write-ahead log, as bytes. The cache keeps one for each user, which
only grows. It is at once what a replica must have replayed before it may answer this user, and the version of
everything that was computed for them: there is no moment at which one of the two is new and the other old.

A model whose manager is `OwnedManager` notes every write of its rows, by `save`, `update`, `bulk_create` or `delete`,
once it is committed. Nobody has to think of it. Raw SQL alone passes it by.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import redis
import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connections, models, transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import Signal

from spendsmart.cache import client, key

KEPT_SECONDS = 3600
"""How long a position is kept. Without one, the log's end of this moment takes its place: later, so never wrong."""

committed = Signal()
"""Sent with `users`, the ids of those of whose rows some were written, after the commit. Must not be relied upon."""

M = TypeVar("M", bound=models.Model)
log = structlog.get_logger(__name__)

# Two writes may come here in either order: the later position stays.
_RAISE = """
local kept = tonumber(redis.call('GET', KEYS[1]) or '0') or 0
if tonumber(ARGV[1]) > kept then
    redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
    return tonumber(ARGV[1])
end
return kept
"""


def position_key(user_id: Any) -> str:
    return key("written", user_id)


def position_of(user_id: Any) -> int:
    """The position of the user's last write, or a later one.

    Raises redis.RedisError, or DatabaseError when the cache knows nothing and the writer does not answer.
    """
    return position_from(client().get(position_key(user_id)), user_id=user_id)


def position_from(kept: bytes | None, *, user_id: Any) -> int:
    """The same, for who has asked the cache already: `kept` is what was under `position_key`."""
    known = kept is not None and kept.isdigit()
    return int(kept or 0) if known else _raise([user_id], writer_position())[0]


def writer_position() -> int:
    """The end of the writer's log. Raises DatabaseError."""
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT (pg_current_wal_lsn() - '0/0')::bigint")
            return int(cursor.fetchone()[0])
    except InterfaceError as error:  # a connection that broke before: Django does not count that as a DatabaseError
        raise OperationalError(str(error)) from error


def mark(users: Collection[Any]) -> None:
    """Remember that something of these users' was written just now. Call it after the commit; never raises.

    While the cache is away nothing is remembered: computed figures are then old for as long as they are kept at most.
    """
    try:
        _raise(users, writer_position())
    except DatabaseError as error:
        log.warning("position_unknown", error=str(error))
        with contextlib.suppress(redis.RedisError):
            client().delete(*map(position_key, users))
    except redis.RedisError as error:
        log.warning("write_not_marked", error=str(error))


def _raise(users: Collection[Any], position: int) -> list[int]:
    with client().pipeline(transaction=False) as pipeline:
        for user_id in users:
            pipeline.eval(_RAISE, 1, position_key(user_id), position, KEPT_SECONDS)
        return [int(kept) for kept in pipeline.execute()]


@dataclass(frozen=True)
class _Note:
    users: frozenset[UUID]

    def __call__(self) -> None:
        mark(self.users)
        committed.send_robust(sender=None, users=self.users)


def note_when_committed(users: Iterable[UUID]) -> None:
    """Mark these users' positions, and send `committed`, when the open transaction is committed, or else at once."""
    note = _Note(frozenset(users))
    if not note.users:
        return
    connection = connections["default"]
    # A thousand deletions are one note, unless a savepoint may take the first of them back without the others.
    if connection.in_atomic_block and connection.run_on_commit:
        savepoints, waiting, _ = connection.run_on_commit[-1]
        if waiting == note and savepoints <= set(connection.savepoint_ids):
            return
    transaction.on_commit(note, using="default")


class OwnedQuerySet(models.QuerySet[M]):
    """Rows with a `user_id`."""

    def update(self, **values: Any) -> int:
        with self._owners_of_updated() as users:
            changed: int = super().update(**values)
        note_when_committed(users)
        return changed

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[M], *arguments: Any, **keywords: Any) -> list[M]:
        made: list[M] = super().bulk_create(objs, *arguments, **keywords)
        note_when_committed(row.user_id for row in made)  # type: ignore[attr-defined]
        return made

    @contextlib.contextmanager
    def _owners_of_updated(self) -> Iterator[set[UUID]]:
        """The statement itself says whose rows it changed: asked before or after, it might be others'."""
        quote = connections["default"].ops.quote_name
        table, column = quote(self.model._meta.db_table), quote(self.model._meta.get_field("user").column)
        users: set[UUID] = set()

        def returning(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
            if not sql.startswith(f"UPDATE {table} "):
                return execute(sql, params, many, context)
            result = execute(f"{sql} RETURNING {table}.{column}", params, many, context)
            users.update(user_id for (user_id,) in context["cursor"].fetchall())
            return result

        with connections["default"].execute_wrapper(returning):
            yield users


class OwnedManager(models.Manager.from_queryset(OwnedQuerySet)):  # type: ignore[misc]
    def contribute_to_class(self, cls: type[models.Model], name: str) -> None:
        super().contribute_to_class(cls, name)
        if not cls._meta.abstract:
            post_save.connect(_note_row, sender=cls, dispatch_uid=f"written {cls._meta.label}")
            post_delete.connect(_note_row, sender=cls, dispatch_uid=f"deleted {cls._meta.label}")


def _note_row(instance: Any, **_: Any) -> None:
    note_when_committed([instance.user_id])
