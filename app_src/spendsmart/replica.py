"""How far the replica is, and whether it may be asked. One object for each process.

It is the replica itself that says what it has replayed, at most ten times a second. How long that took is seen from
outside: since when the writer's log has been at a position that is still missing. So a replica that lost its stream,
and thinks that it is up to date, is found out, too. PgBouncer's name for the reader must stand for one server.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque

import structlog
from django.db import DatabaseError, connections

from spendsmart import metrics
from spendsmart.metrics import Metric
from spendsmart.writes import writer_position

PROBE_SECONDS = 0.1
"""How old our knowledge of the replica may be. It only ever errs towards the writer: positions grow."""

SAMPLE_SECONDS = 1.0
"""How often the writer's log is looked at, to measure the lag."""

MAX_LAG_SECONDS = 30.0
MAX_LAG_BYTES = 256 * 1024**2

REST_SECONDS = 10.0
"""How long a replica that failed, or lags, is left alone: to find out anew can take as long as PgBouncer's patience."""

PUBLISH_SECONDS = 60.0

# A server that is no standby (an environment without a replica) has what is written at once.
_POSITION = """
SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0')::bigint,
    pg_is_in_recovery(), pg_postmaster_start_time()
"""
_STARTED = "SELECT pg_postmaster_start_time()"

log = structlog.get_logger(__name__)


class Replica:
    def __init__(self) -> None:
        self.lag_seconds = 0.0
        self.lag_bytes = 0
        self._position: int | None = None
        self._lock = threading.Lock()
        self._samples: deque[tuple[int, float]] = deque(maxlen=600)
        self._probe_at = self._resting_until = 0.0
        self._reads: Counter[str] = Counter()
        self._publish_at = time.monotonic() + PUBLISH_SECONDS
        self._worst = (0.0, 0)

    def has(self, position: int) -> bool:
        """Whether the replica answers, does not lag, and has replayed the log up to `position`."""
        now = time.monotonic()
        # One thread asks; the others go by what is known, for which they are none the worse.
        if self._resting_until <= now and self._probe_at <= now and self._lock.acquire(blocking=False):
            try:
                self._probe_at = now + PROBE_SECONDS
                self._probe()
            finally:
                self._lock.release()
        known = self._position
        return known is not None and known >= position

    def failed(self, error: Exception) -> None:
        """Leave it alone for a while."""
        log.warning("replica_failed", error=str(error).strip())
        connections["reader"].close()
        self._rest()

    def count(self, alias: str) -> None:
        """Count one read, and publish every minute what was seen: reads by database, and the worst lag."""
        now = time.monotonic()
        with self._lock:
            self._reads[alias] += 1
            if now < self._publish_at:
                return
            self._publish_at = now + PUBLISH_SECONDS
            reads, self._reads = self._reads, Counter()
            (seconds, size), self._worst = self._worst, (0.0, 0)
        metrics.publish(
            Metric("ReplicaLagSeconds", seconds, unit="Seconds"), Metric("ReplicaLagBytes", size, unit="Bytes")
        )
        for database, number in reads.items():
            metrics.publish(Reads=number, dimensions={"Database": database})

    def forget(self) -> None:
        """Know nothing, as after the start."""
        self.__init__()  # type: ignore[misc]

    def _rest(self) -> None:
        self._position = None
        self._resting_until = time.monotonic() + REST_SECONDS

    def _probe(self) -> None:
        self._sample_writer()
        try:
            with connections["reader"].cursor() as cursor:
                cursor.execute(_POSITION)
                position, follows, started = cursor.fetchone()
            if not follows and not _is_writer(started):
                # Promoted by mistake or for good: it goes a way of its own, and its positions say nothing of ours.
                log.error("replica_is_no_replica")
                return self._rest()
        except DatabaseError as error:
            return self.failed(error)
        if position is None:  # a standby that has not replayed anything yet
            return self._rest()
        self._measure(int(position))
        if self.lag_seconds > MAX_LAG_SECONDS or self.lag_bytes > MAX_LAG_BYTES:
            log.warning("replica_lags", seconds=round(self.lag_seconds, 1), bytes=self.lag_bytes)
            return self._rest()
        self._position = int(position)
        return None

    def _sample_writer(self) -> None:
        now = time.monotonic()
        if self._samples and now - self._samples[-1][1] < SAMPLE_SECONDS:
            return
        try:
            self._samples.append((writer_position(), now))
        except DatabaseError as error:  # the replica may answer all the same
            log.warning("writer_position_unknown", error=str(error).strip())

    def _measure(self, position: int) -> None:
        # The last one stays, so that the next is not taken before its time.
        while len(self._samples) > 1 and self._samples[0][0] <= position:
            self._samples.popleft()
        missing = bool(self._samples) and self._samples[0][0] > position
        self.lag_seconds = time.monotonic() - self._samples[0][1] if missing else 0.0
        self.lag_bytes = max(0, self._samples[-1][0] - position) if self._samples else 0
        self._worst = (max(self._worst[0], self.lag_seconds), max(self._worst[1], self.lag_bytes))


def _is_writer(started: object) -> bool:
    """Whether the server that started then is the writer. Raises DatabaseError."""
    with connections["default"].cursor() as cursor:
        cursor.execute(_STARTED)
        return bool(cursor.fetchone()[0] == started)


replica = Replica()
