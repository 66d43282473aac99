"""A file whose age tells the container's health check whether Celery's own loop still turns."""

from __future__ import annotations

import os
from pathlib import Path


def beat() -> None:
    """Called from inside the loop, never from a thread: a hung loop must be seen."""
    (Path(os.environ["SCRATCH_DIR"]) / "heartbeat").touch()
