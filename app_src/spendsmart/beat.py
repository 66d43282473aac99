"""`python -m spendsmart.beat`: becomes Celery's scheduler."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from celery.beat import PersistentScheduler

from spendsmart.heartbeat import beat


class HeartbeatScheduler(PersistentScheduler):
    """Beats once for each turn of the scheduler's loop, every five seconds at the latest."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.max_interval = 5

    def tick(self, *arguments: Any, **keywords: Any) -> float:
        beat()
        return super().tick(*arguments, **keywords)


def command() -> list[str]:
    schedule = Path(os.environ["SCRATCH_DIR"]) / "celerybeat-schedule"
    return [
        *(sys.executable, "-m", "celery", "--app", "spendsmart", "beat", "--loglevel", os.environ["LOG_LEVEL"]),
        *("--scheduler", "spendsmart.beat:HeartbeatScheduler", "--schedule", str(schedule), "--pidfile="),
    ]


if __name__ == "__main__":
    os.execv(sys.executable, command())  # noqa: S606  (no shell, a fixed program)
