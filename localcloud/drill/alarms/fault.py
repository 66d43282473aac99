"""What is broken so that alarms fire."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from localcloud.drill.platform import Platform

How = Literal["real", "fed"]
"""Broken for real; or the metric is fed with values, where a fault cannot be made on one machine or takes hours."""


class Breakage(Protocol):
    """One way to break something. Both methods raise what goes wrong; `mend` is called whatever `make` did."""

    def make(self, platform: Platform) -> None:
        """Break it; returns at once."""

    def mend(self, platform: Platform) -> None:
        """Put it right; returns when nothing is broken any more, as far as it knows."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`fires` are the alarms that it must make red, and that must be over after it; `brings` are others that may turn
    red with them. `clears` are alarms that are red in calm times, as those that scale in, and must be over meanwhile.

    A fault begins when those named by `after` are over, and those by `after_mending` are mended. `because` says why a
    metric is fed. `pages` is the one alarm that may page meanwhile, however many are red. `patience` are the minutes
    until all must be red.
    """

    name: str
    says: str
    how: How
    fires: tuple[str, ...]
    breakage: Breakage
    because: str = ""
    brings: tuple[str, ...] = ()
    clears: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    after_mending: tuple[str, ...] = ()
    pages: str = ""
    patience: float = 15.0

    def __post_init__(self) -> None:
        if self.how == "fed" and not self.because:
            raise ValueError(f"{self.name}: a fed metric needs a reason")


@dataclass(frozen=True)
class Together:
    """Several breakages as one; mended the last one first."""

    parts: Sequence[Breakage]

    def make(self, platform: Platform) -> None:
        for part in self.parts:
            part.make(platform)

    def mend(self, platform: Platform) -> None:
        for part in reversed(self.parts):
            part.mend(platform)


class Again(ABC):
    """A breakage that has to be done again and again: `turn` every so many seconds, in a thread, until it is mended."""

    every = 1.0

    def __init__(self) -> None:
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._failed: Exception | None = None

    def make(self, platform: Platform) -> None:
        self._over.clear()
        self._thread = threading.Thread(target=self._run, args=(platform,), name=type(self).__name__, daemon=True)
        self._thread.start()

    def mend(self, platform: Platform) -> None:  # noqa: ARG002
        self._over.set()
        if self._thread:
            self._thread.join(60)
        if self._failed:
            raise self._failed

    @abstractmethod
    def turn(self, platform: Platform) -> None:
        """Do it once."""

    def _run(self, platform: Platform) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            try:
                self.turn(platform)
            except Exception as error:  # noqa: BLE001 - told when it is mended
                self._failed = error
                return
            self._over.wait(max(0.0, self.every - (time.monotonic() - began)))
