"""The scheduler as a thread of the one worker of an environment that has no process for it.

Celery's own `--beat` is a process of the worker's: 26 MiB, and 85 after some hours, as Python writes reference counts
into the pages that both began with.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery import bootsteps
from celery.beat import EmbeddedService


class BeatThread(bootsteps.StartStopStep):
    """Begins and ends with the worker; its schedule is kept in SCRATCH_DIR."""

    def create(self, worker: Any) -> Any:
        schedule = Path(os.environ["SCRATCH_DIR"]) / "celerybeat-schedule"
        return EmbeddedService(worker.app, thread=True, schedule_filename=str(schedule))
