"""`python -m spendsmart.worker`: becomes a Celery worker with the environment's settings."""

from __future__ import annotations

import os
import sys


def command() -> list[str]:
    """The worker's command line. Raises KeyError naming a variable that is missing.

    A child that has come to take more than WORKER_MEMORY_MIB is replaced after its task.
    """
    most_kib = int(os.environ["WORKER_MEMORY_MIB"]) * 1024
    return [
        *(sys.executable, "-m", "celery", "--quiet", "--app", "spendsmart", "worker"),
        *("--loglevel", os.environ["LOG_LEVEL"], "--concurrency", os.environ["WORKER_CONCURRENCY"]),
        *("--queues", "interactive,default,bulk", "--max-memory-per-child", str(most_kib)),
        *("--without-gossip", "--without-mingle"),
        # A small worker, the scheduler in it: its task is a thread and not a process beside it. Time limits of tasks do
        # not hold there (Celery, "Concurrency").
        *(("--pool", "threads") if os.environ.get("WORKER_WITH_BEAT") == "yes" else ()),
    ]


if __name__ == "__main__":
    os.execv(sys.executable, command())  # noqa: S606  (no shell, a fixed program)
