"""The receipts: how many are read in a minute, and what each costs, as worker tasks are added."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass

from localcloud import demo
from localcloud.console import LocalCloudError
from localcloud.load import services
from localcloud.rollout.load.ledger import Ledger
from localcloud.rollout.load.user import User

PATIENCE = 1200.0


@dataclass(frozen=True, kw_only=True)
class Read:
    """`seconds` from the first acknowledgement to the last result; processor seconds of all worker tasks for each."""

    tasks: int
    receipts: int
    seconds: float
    cpu_seconds: float

    @property
    def per_minute(self) -> float:
        return 60 * self.receipts / self.seconds

    @property
    def per_day_of_a_core(self) -> float:
        """Of a vCPU that does nothing else."""
        return 86_400 / self.cpu_seconds if self.cpu_seconds else 0.0


def read(url: str, *, tasks: int, receipts: int) -> Read:
    """Send pictures that nobody has sent before, and wait for all of them. Raises LocalCloudError."""
    services.set_count("worker", tasks)
    services.pin("worker", sorted(os.sched_getaffinity(0)))
    before = services.used("worker")
    seconds = asyncio.run(_send(url, receipts))
    after = services.used("worker")
    spent = after.processor - before.processor if before and after else 0.0
    return Read(tasks=tasks, receipts=receipts, seconds=seconds, cpu_seconds=spent / receipts)


async def _send(url: str, receipts: int) -> float:
    ledger = Ledger()
    user = User(url=url, number=1, trust=demo.trust(), ledger=ledger, tell=lambda answer: None)  # noqa: ARG005
    await user.arrive()
    try:
        began = time.monotonic()
        for _ in range(receipts):
            await user.upload_new()
        while True:
            ledger.reconcile(user.email, await user.states())
            if len(ledger) == receipts and not ledger.open():
                return time.monotonic() - began
            if len(ledger) < receipts or time.monotonic() - began > PATIENCE:
                raise LocalCloudError(
                    f"{len(ledger)} of {receipts} receipts were acknowledged, {len(ledger.open())} are not read",
                    remedy="run: make status",
                )
            await asyncio.sleep(0.5)
    finally:
        await user.leave()
