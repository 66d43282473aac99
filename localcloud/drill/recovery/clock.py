"""How long each step of a recovery took."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from localcloud.console import LocalCloudError, Steps


@dataclass(kw_only=True)
class Clock:
    """Says each step as it ends, and keeps its seconds; `machine` is the highest load average seen at an end."""

    seconds: dict[str, float] = field(default_factory=dict)
    machine: float = 0.0
    _steps: Steps = field(default_factory=Steps)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        with self._steps.step(name):
            yield
        self.seconds[name] = round(time.monotonic() - began, 1)
        self.machine = max(self.machine, os.getloadavg()[0])


def wait_until(look: Callable[[], bool], *, what: str, patience: float, period: float = 1.0) -> None:
    """Raises LocalCloudError when it is not so after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not look():
        if time.monotonic() > deadline:
            raise LocalCloudError(f"{what}: not so after {patience:.0f} s", remedy="run: make logs PART=dataplane")
        time.sleep(period)
