"""A steady load for long, of people who upload as well: memory and connections have to stay flat."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg2

from localcloud.drill.platform import Platform
from localcloud.load import services
from localcloud.rollout.load.answers import percentile
from localcloud.rollout.load.traffic import Traffic

EVERY = 15.0
"""Seconds between two looks."""

WARM_UP_SHARE = 0.25
"""Of the time, in which caches fill and children start; what counts is after it."""

MORE_PERCENT, MORE_MIB, MORE_CONNECTIONS = 10.0, 30.0, 5.0
"""By how much the last third after that may be above the first: a leak of a page in each request is more in an hour."""

_MIB = 1024**2


RATE = 6.0
"""Actions a second, well below where it bends: a soak looks for what grows, and not for what is slow."""

SERVICES = ("web", "worker", "beat")


@dataclass(frozen=True, kw_only=True)
class Look:
    """MiB (proportional set size) of the largest task of each service, and sessions on the primary."""

    at: float
    web: float
    worker: float
    beat: float
    connections: float


@dataclass(frozen=True, kw_only=True)
class Soak:
    """`receipts` were acknowledged, `unread` of them not read in the end; `p95` in seconds."""

    minutes: float
    requests: int
    failed: int
    p95: float | None
    receipts: int
    unread: int
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
            *((name, "MiB", MORE_MIB) for name in SERVICES),
            ("connections", "sessions", MORE_CONNECTIONS),
        ):
            first, last = self.growth(name)
            if last > first * (1 + MORE_PERCENT / 100) and last > first + room:
                found.append(f"{name} grew from {first:.0f} to {last:.0f} {unit}")
        if self.failed or not self.requests:
            found.append(f"{self.failed} of {self.requests} requests failed")
        if self.unread:
            found.append(f"{self.unread} of {self.receipts} receipts were not read")
        return found


def run(url: str, *, env: str, minutes: float, rate: float = RATE) -> Soak:
    """People for so long. Raises LocalCloudError when they cannot begin."""
    platform, traffic = Platform.find(env), Traffic(url=url, rate=rate)
    looks: list[Look] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(EVERY):
            looks.append(_look(platform))

    watching = threading.Thread(target=watch, name="soak", daemon=True)
    traffic.start()
    watching.start()
    try:
        time.sleep(60 * minutes)
        traffic.stop()
        traffic.reconcile()
    finally:
        stop.set()
        watching.join(60)
        traffic.close()
    answers = traffic.answers
    return Soak(
        minutes=minutes,
        requests=len(answers),
        failed=sum(not answer.good for answer in answers),
        p95=percentile([answer.seconds for answer in answers], 0.95),
        receipts=len(traffic.ledger),
        unread=len(traffic.ledger.unread()),
        looks=tuple(looks),
    )


def _look(platform: Platform) -> Look:
    mib = {name: services.largest(name) / _MIB for name in SERVICES}
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
    for name in (*SERVICES, "connections"):
        first, last = soak.growth(name)
        rows.append((name, f"{first:.0f}", f"{last:.0f}"))
    return rows
