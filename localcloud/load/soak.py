"""A steady load for long: memory and connections have to stay flat."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from localcloud.drill.platform import Platform
from localcloud.load import locust, services
from localcloud.load.locust import Counted

EVERY = 15.0
"""Seconds between two looks."""

WARM_UP_SHARE = 0.25
"""Of the time, in which caches fill and children start; what counts is after it."""

MORE_PERCENT, MORE_MIB, MORE_CONNECTIONS = 10.0, 30.0, 5.0
"""By how much the last third after that may be above the first: a leak of a page in each request is more in an hour."""

_MIB = 1024**2


@dataclass(frozen=True, kw_only=True)
class Look:
    """MiB (proportional set size) of all tasks of each service, and sessions on the primary."""

    at: float
    web: float
    worker: float
    beat: float
    connections: float


@dataclass(frozen=True, kw_only=True)
class Soak:
    minutes: float
    counted: Counted
    looks: tuple[Look, ...]

    def growth(self, name: str) -> tuple[float, float]:
        """Means of the first and of the last third of what counts. Raises ValueError with too few looks."""
        values = [float(getattr(look, name)) for look in self.looks[int(len(self.looks) * WARM_UP_SHARE) :]]
        third = len(values) // 3
        if not third:
            raise ValueError(f"{len(self.looks)} looks are too few")
        return sum(values[:third]) / third, sum(values[-third:]) / third

    def faults(self) -> list[str]:
        """In words, what did not stay flat."""
        found = []
        for name, unit, room in (
            *((name, "MiB", MORE_MIB) for name in ("web", "worker", "beat")),
            ("connections", "sessions", MORE_CONNECTIONS),
        ):
            first, last = self.growth(name)
            if last > first * (1 + MORE_PERCENT / 100) and last > first + room:
                found.append(f"{name} grew from {first:.0f} to {last:.0f} {unit}")
        if self.counted.failed:
            found.append(f"{self.counted.failed} of {self.counted.requests} requests failed")
        return found


def run(url: str, *, env: str, logins: Path, users: int, minutes: float) -> Soak:
    """So many users for so long."""
    looks: list[Look] = []
    stop = threading.Event()
    platform = Platform.find(env)

    def watch() -> None:
        while not stop.wait(EVERY):
            looks.append(_look(platform))

    watching = threading.Thread(target=watch, name="soak", daemon=True)
    watching.start()
    try:
        counted = locust.run(url, logins=logins, users=users, seconds=60 * minutes)
    finally:
        stop.set()
        watching.join(60)
    return Soak(minutes=minutes, counted=counted, looks=tuple(looks))


def _look(platform: Platform) -> Look:
    used = {name: services.used(name) for name in ("web", "worker", "beat")}
    mib = {name: usage.memory / _MIB if usage else 0.0 for name, usage in used.items()}
    return Look(at=time.time(), connections=_connections(platform), **mib)


def _connections(platform: Platform) -> float:
    try:
        link = platform.database()
        try:
            with link.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [platform.database_name])
                return float(cursor.fetchone()[0])
        finally:
            link.close()
    except psycopg2.Error:
        return 0.0


def table_rows(soak: Soak) -> Sequence[tuple[str, str, str]]:
    rows = []
    for name in ("web", "worker", "beat", "connections"):
        first, last = soak.growth(name)
        rows.append((name, f"{first:.0f}", f"{last:.0f}"))
    return rows
