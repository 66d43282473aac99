"""Why a worker of gunicorn did not start, for the last line of the log.

Where the application is not loaded before workers are forked, its reason is a traceback in the middle, and the first
process ends with "Worker failed to boot". A task's last lines are all that its service's events show.
"""

from __future__ import annotations

from pathlib import Path

_NAME = "web-boot-failure"
_LONGEST = 500


def remember(error: Exception, *, folder: Path) -> None:
    """Called by the worker, which ends with it."""
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    (folder / _NAME).write_text(text[:_LONGEST], encoding="utf-8")


def reason(folder: Path) -> str:
    """Called by the first process; empty where no worker had to say anything."""
    file = folder / _NAME
    return file.read_text(encoding="utf-8") if file.exists() else ""
