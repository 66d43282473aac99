"""What the commands print: steps with their times, and errors that say how to go on."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class LocalCloudError(Exception):
    """Something the user can mend; `remedy` says how."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class Steps:
    """Prints one line per step: what is being done, and how long it took."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        begun = time.monotonic()
        interactive = sys.stdout.isatty()
        if interactive:
            print(f"  …       {title}", end="\r", flush=True)
        try:
            yield
        except BaseException:
            print(f"  failed  {title}", flush=True)
            raise
        print(f"{time.monotonic() - begun:6.1f} s  {title}", flush=True)

    @property
    def elapsed(self) -> float:
        """Seconds since the first step."""
        return time.monotonic() - self._begun


def fail(error: LocalCloudError) -> int:
    """Print an error for people; the exit status to leave with."""
    print(f"\nlocalcloud: {error}", file=sys.stderr)
    if error.remedy:
        print(f"what to do: {error.remedy}", file=sys.stderr)
    return 1
