"""The API: requests per second and how long they take, as users and tasks are added."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localcloud.load import locust, services
from localcloud.load.locust import Counted

USERS = (1, 2, 4, 8, 16, 32)
BEND = 1.1
"""Twice the users that give less than a tenth more requests: from there on they wait for each other."""


@dataclass(frozen=True, kw_only=True)
class Rung:
    """`cpu` are the processor seconds of all web tasks, PgBouncer included, for each request."""

    tasks: int
    counted: Counted
    cpu_ms: float


def climb(url: str, *, logins: Path, tasks: int, seconds: float) -> Iterator[Rung]:
    """Each number of users for so long, on so many web tasks, each pinned to a core."""
    cores = sorted(os.sched_getaffinity(0))
    services.set_count("web", tasks)
    services.pin("web", cores)
    for users in USERS:
        before = services.used("web")
        counted = locust.run(url, logins=logins, users=users, seconds=seconds, cores=cores[-1:])
        after = services.used("web")
        spent = after.processor - before.processor if before and after else 0.0
        yield Rung(tasks=tasks, counted=counted, cpu_ms=1000 * spent / counted.requests)


def bend(rungs: list[Rung]) -> Rung:
    """Where more users stop being served faster. Raises ValueError without a rung."""
    if not rungs:
        raise ValueError("nothing was measured")
    for rung, following in itertools.pairwise(rungs):
        if following.counted.per_second < rung.counted.per_second * BEND:
            return rung
    return rungs[-1]
