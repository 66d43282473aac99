"""Whether database and broker answer, said twice a minute by the scheduler; and how PostgreSQL does, seen from inside.

That they do not answer is said as well: a figure that stops coming could mean anything.
"""

from __future__ import annotations

import redis
import structlog
from django.db import DatabaseError, connection

from spendsmart import broker
from spendsmart.metrics import Metric, publish

# Blocks found in memory and blocks read, since the server's counters were reset; sessions that wait for a lock.
_FIGURES = """
SELECT blks_hit, blks_read,
       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')
FROM pg_stat_database WHERE datname = current_database()
"""

log = structlog.get_logger(__name__)


class Reachable:
    """Asks, and publishes the answers; remembers PostgreSQL's counters from the time before."""

    def __init__(self) -> None:
        self._hits = self._reads = 0

    def publish(self) -> bool:
        """Publish DatabaseReachable and BrokerReachable, 1 or 0, and what PostgreSQL counts. Whether both answer."""
        database, there = self._database(), self._broker()
        publish(DatabaseReachable=float(bool(database)), BrokerReachable=float(there))
        if database:
            publish(*database)
        return bool(database) and there

    def _database(self) -> list[Metric]:
        """PostgreSQL's figures; none when it does not answer."""
        try:
            with connection.cursor() as cursor:
                cursor.execute(_FIGURES)
                hits, reads, waiting = cursor.fetchone()
        except DatabaseError as error:
            log.warning("database_unreachable", error=f"{type(error).__name__}: {error}".strip())
            connection.close()
            return []
        hit, read = hits - self._hits, reads - self._reads
        # Counters that began anew, after a restart or a failover, say nothing yet.
        share = (
            [Metric("DatabaseCacheHitPercent", 100 * hit / (hit + read), unit="Percent")]
            if min(hit, read) >= 0 < hit + read
            else []
        )
        self._hits, self._reads = hits, reads
        return [Metric("DatabaseLockWaits", waiting), *share]

    def _broker(self) -> bool:
        try:
            broker.client().ping()
        except redis.RedisError as error:
            log.warning("broker_unreachable", error=f"{type(error).__name__}: {error}".strip())
            return False
        return True


reachable = Reachable()
