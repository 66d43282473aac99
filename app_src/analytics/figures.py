"""Figures as they go over the wire, kept in the cache until something of their user's is written.

With the figures their version is kept: the user's position in the log (`spendsmart.writes`) when their computation
began. They are used only while that is still the position, and they come from a database that has replayed it. So an
answer of a lagging replica that arrives after a write carries the position before it, and is never used again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import redis
import structlog
from django.db import DatabaseError

from spendsmart import cache
from spendsmart.database import read_since
from spendsmart.plain_rows import render
from spendsmart.writes import position_from, position_key

KEPT_SECONDS = 300
"""The longest that figures can be old: after a write that could not be noted because the cache was away."""

MAX_BYTES = 256 * 1024
"""What is larger is computed each time, rather than pushing everybody else's figures out of the cache."""

log = structlog.get_logger(__name__)


def figures(
    *, user_id: Any, name: str, parameters: Mapping[str, object], compute: Callable[[], object]
) -> tuple[bytes, str]:
    """What `compute` returns, as JSON, and where it comes from: `cache`, or the alias of a database.

    `compute` does nothing but read. `parameters` are all that it depends on beside the user's rows.
    """
    query = "&".join(f"{key}={value}" for key, value in sorted(parameters.items()))
    own, kept_under = position_key(user_id), cache.key("figures", user_id, name, query)
    try:
        kept_position, kept = cache.client().mget(own, kept_under)
        position = position_from(kept_position, user_id=user_id)
    except (redis.RedisError, DatabaseError) as error:
        log.warning("figures_without_cache", error=str(error))
        found, alias = read_since(None, compute)
        return render(found), alias
    version = b"%d\n" % position
    if kept is not None and kept.startswith(version):
        return kept[len(version) :], "cache"
    found, alias = read_since(position, compute)
    body = render(found)
    if len(body) <= MAX_BYTES:
        try:
            cache.client().set(kept_under, version + body, ex=KEPT_SECONDS)
        except redis.RedisError as error:
            log.warning("figures_not_kept", error=str(error))
    return body, alias
