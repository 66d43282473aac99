"""The values that were published, summed by second or minute, in a SQLite file: it outlives a crash, and what is kept
costs neither memory nor time.

Values gather in memory and are written every few seconds, and before they are read. A value of standard resolution
counts at the start of its minute, one of high resolution at its second, as on AWS. Seconds are kept for three hours
(as on AWS), minutes for eight days: an alarm looks back seven at most.
"""

from __future__ import annotations

import json
import math
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localcloud.emulator.cloudwatch.metrics import Aggregate, Metric

Scope = tuple[str, str]
"""An account and a region."""

SECONDS_KEPT = 3 * 3600
MINUTES_KEPT = 8 * 86400

_SCHEMA = """
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY, account TEXT, region TEXT, namespace TEXT, name TEXT, dimensions TEXT, unit TEXT);
CREATE TABLE IF NOT EXISTS points (
    series INTEGER, start INTEGER, count REAL, total REAL, minimum REAL, maximum REAL, distribution TEXT,
    PRIMARY KEY (series, start)) WITHOUT ROWID;
"""
_ALL_ALIKE = ""


class MetricStore:
    """Metrics of every account and region. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._guard = threading.RLock()
        self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # A killed process loses nothing that was written; a power cut may.
        self._file.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; {_SCHEMA}")
        self._series: dict[tuple[Scope, Metric], dict[str, int]] = {}
        self._pending: dict[tuple[int, int], Aggregate] = {}
        self._changes: dict[tuple[Scope, Metric], int] = {}
        for identifier, account, region, namespace, name, dimensions, unit in self._file.execute(
            "SELECT * FROM series"
        ):
            pairs = tuple((key, value) for key, value in json.loads(dimensions))
            metric = Metric(namespace=namespace, name=name, dimensions=pairs)
            self._series.setdefault(((account, region), metric), {})[unit] = identifier

    def put(
        self, scope: Scope, metric: Metric, values: Aggregate, *, unit: str, when: float, resolution: int = 60
    ) -> None:
        """Add values published at `when` (seconds since 1970); `resolution` is 60 or 1 seconds."""
        start = math.floor(when) // resolution * resolution
        with self._guard:
            key = (self._identify(scope, metric, unit), start)
            self._pending.setdefault(key, Aggregate()).add(values)
            self._changes[scope, metric] = self._changes.get((scope, metric), 0) + 1

    def changes(self, scope: Scope, metric: Metric) -> int:
        """How often the metric was published to since the start: while it stays, so does what is read."""
        return self._changes.get((scope, metric), 0)

    def read(
        self, scope: Scope, metric: Metric, *, start: int, end: int, period: int, unit: str | None = None
    ) -> dict[int, Aggregate]:
        """The values from `start` to before `end`, by the start of each period that has any; of all units without
        `unit`."""
        with self._guard:
            self.flush()
            units = self._series.get((scope, metric), {})
            wanted = [identifier for name, identifier in units.items() if unit in (None, name)]
            found: dict[int, Aggregate] = {}
            for identifier in wanted:
                for row in self._file.execute(
                    "SELECT start, count, total, minimum, maximum, distribution FROM points "
                    "WHERE series = ? AND start >= ? AND start < ? ORDER BY start",
                    (identifier, start, end),
                ):
                    at = start + (row[0] - start) // period * period
                    if at in found:
                        found[at].add(_aggregate(row[1:]))
                    else:
                        found[at] = _aggregate(row[1:])
            return found

    def unit_of(self, scope: Scope, metric: Metric) -> str:
        """The unit that the metric was first published with."""
        return next(iter(self._series.get((scope, metric), {})), "None")

    def metrics(self, scope: Scope, *, since: float = 0) -> list[Metric]:
        """Every metric of the region, or those with values since then."""
        with self._guard:
            self.flush()
            known = [(metric, units) for (place, metric), units in self._series.items() if place == scope]
            if not since:
                return [metric for metric, _ in known]
            query = "SELECT EXISTS (SELECT 1 FROM points WHERE series = ? AND start >= ?)"
            return [
                metric
                for metric, units in known
                if any(self._file.execute(query, (identifier, since)).fetchone()[0] for identifier in units.values())
            ]

    def flush(self) -> None:
        """Write what gathered in memory."""
        with self._guard:
            if self._pending:
                pending, self._pending = self._pending, {}
                with self._writing():
                    for key, values in pending.items():
                        self._merge(key, values)

    def prune(self, now: float | None = None) -> None:
        """Make minutes of old seconds, and drop old minutes and the metrics without any."""
        now = time.time() if now is None else now
        with self._guard:
            self.flush()
            with self._writing():
                old = self._file.execute(
                    "SELECT series, start, count, total, minimum, maximum, distribution FROM points "
                    "WHERE start < ? AND start % 60 != 0",
                    (now - SECONDS_KEPT,),
                ).fetchall()
                for row in old:
                    self._file.execute("DELETE FROM points WHERE series = ? AND start = ?", row[:2])
                    self._merge((row[0], row[1] // 60 * 60), _aggregate(row[2:]))
                self._file.execute("DELETE FROM points WHERE start < ?", (now - MINUTES_KEPT,))
                self._drop_empty_series()

    def close(self) -> None:
        with self._guard:
            self.flush()
            self._file.close()

    def _identify(self, scope: Scope, metric: Metric, unit: str) -> int:
        units = self._series.setdefault((scope, metric), {})
        if unit not in units:
            units[unit] = self._file.execute(
                "INSERT INTO series (account, region, namespace, name, dimensions, unit) VALUES (?, ?, ?, ?, ?, ?) "
                "RETURNING id",
                (*scope, metric.namespace, metric.name, json.dumps(metric.dimensions), unit),
            ).fetchone()[0]
        return units[unit]

    def _merge(self, key: tuple[int, int], values: Aggregate) -> None:
        known = self._file.execute(
            "SELECT count, total, minimum, maximum, distribution FROM points WHERE series = ? AND start = ?", key
        ).fetchone()
        if known:
            earlier = _aggregate(known)
            earlier.add(values)
            values = earlier
        self._file.execute("INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?, ?, ?)", (*key, *_row(values)))

    def _drop_empty_series(self) -> None:
        with_points = "SELECT id FROM series WHERE EXISTS (SELECT 1 FROM points WHERE points.series = series.id)"
        kept = {row[0] for row in self._file.execute(with_points)}
        for key, units in list(self._series.items()):
            for unit, identifier in list(units.items()):
                if identifier not in kept:
                    self._file.execute("DELETE FROM series WHERE id = ?", (identifier,))
                    del units[unit]
            if not units:
                del self._series[key]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._file.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")


def _row(values: Aggregate) -> tuple[float, float, float, float, str | None]:
    distribution: str | None = None
    if values.values is not None:
        alike = values.minimum == values.maximum
        distribution = _ALL_ALIKE if alike else json.dumps(list(values.values.items()))
    return values.count, values.total, values.minimum, values.maximum, distribution


def _aggregate(row: tuple[float, float, float, float, str | None]) -> Aggregate:
    count, total, minimum, maximum, distribution = row
    if distribution is None:
        return Aggregate(count, total, minimum, maximum, None)
    values = {minimum: count} if distribution == _ALL_ALIKE else dict(json.loads(distribution))
    return Aggregate(count, total, minimum, maximum, values)
