"""What one account has used of what it may. Counted in the cache; without the cache nobody is locked out."""

from __future__ import annotations

import threading
import time
from collections import Counter
from uuid import UUID

import redis
import structlog
from django.conf import settings

from spendsmart import cache

MINUTE = 60
DAY = 24 * 3600

REST_SECONDS = 5.0
"""The cache is left alone for as long after it has failed: a request is not to wait for it in vain each time."""

_SHARE = 20
log = structlog.get_logger(__name__)


class Requests:
    """Requests in the running minute, of an account or of a session of its pages.

    A process tells the others in steps of a twentieth of what is allowed, so that most requests ask nobody, and an
    account may get through with as many more in each process.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._mine: Counter[str] = Counter()
        self._over: set[str] = set()

    def wait_of(self, who: str) -> float | None:
        """Count one; seconds until the next minute when it is one too many."""
        now = time.time()
        most = settings.USER_REQUESTS_PER_MINUTE
        step = max(1, most // _SHARE)
        with self._lock:
            if self._minute != int(now // MINUTE):
                self._minute = int(now // MINUTE)
                self._mine.clear()
                self._over.clear()
            self._mine[who] += 1
            to_tell = self._mine[who] % step == 0
            over = who in self._over
        if not over and to_tell and _add(f"requests:{who}:{self._minute}", step, seconds=MINUTE) > most:
            over = True
            with self._lock:
                self._over.add(who)
        return MINUTE - now % MINUTE if over else None

    def forget(self) -> None:
        """All that this process has counted."""
        with self._lock:
            self._minute = 0


requests = Requests()


def wait_for_receipts(user_id: UUID, many: int) -> float | None:
    """Count `many` receipts; seconds until the next day (UTC) when they are too many, and then they do not count."""
    now = time.time()
    name = f"receipts:{user_id}:{int(now // DAY)}"
    if _add(name, many, seconds=DAY) <= settings.USER_RECEIPTS_PER_DAY:
        return None
    _add(name, -many, seconds=DAY)
    return DAY - now % DAY


_resting_until = 0.0


def _add(name: str, many: int, *, seconds: int) -> int:
    """The sum so far; 0 while the cache is away."""
    global _resting_until
    if time.monotonic() < _resting_until:
        return 0
    key = cache.key("quota", name)
    try:
        with cache.client().pipeline(transaction=False) as pipeline:
            pipeline.incrby(key, many)
            pipeline.expire(key, 2 * seconds)
            return int(pipeline.execute()[0])
    except redis.RedisError as error:
        _resting_until = time.monotonic() + REST_SECONDS
        log.warning("quota_without_cache", error=str(error))
        return 0
