"""`python -m spendsmart.beat`: becomes Celery's scheduler, which also says every half minute how things stand."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import structlog
from celery.beat import PersistentScheduler

from spendsmart.heartbeat import beat

PUBLISH_SECONDS = 30
log = structlog.get_logger(__name__)


class HeartbeatScheduler(PersistentScheduler):
    """Beats once for each turn of the scheduler's loop, every five seconds at the latest, and publishes how things
    stand: which servers answer, and how much work waits."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.max_interval = 5
        self._publish_at = 0.0

    def tick(self, *arguments: Any, **keywords: Any) -> float:
        beat()
        if time.monotonic() >= self._publish_at:
            self._publish_at = time.monotonic() + PUBLISH_SECONDS
            publish()
        return float(super().tick(*arguments, **keywords))


def publish() -> None:
    """Publish, or log why not: the schedule goes on whatever the database or the broker say."""
    # Celery names this module before Django has loaded its models.
    from django.db import close_old_connections

    from receipts import backlog
    from spendsmart.reachable import reachable

    close_old_connections()
    try:
        reachable.publish()
        backlog.publish()
    except Exception as error:  # noqa: BLE001
        log.warning("backlog_unknown", error=f"{type(error).__name__}: {error}")


def command() -> list[str]:
    """Celery's command line. Raises KeyError naming SCRATCH_DIR or LOG_LEVEL when one is missing."""
    schedule = Path(os.environ["SCRATCH_DIR"]) / "celerybeat-schedule"
    return [
        *(
            sys.executable,
            "-m",
            "celery",
            "--quiet",
            "--app",
            "spendsmart",
            "beat",
            "--loglevel",
            os.environ["LOG_LEVEL"],
        ),
        *("--scheduler", "spendsmart.beat:HeartbeatScheduler", "--schedule", str(schedule), "--pidfile="),
    ]


if __name__ == "__main__":
    os.execv(sys.executable, command())  # noqa: S606  (no shell, a fixed program)
