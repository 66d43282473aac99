"""A thread for each source: samples through the minute, data when it is over.

A source that waits for a server that hangs holds up no other, and what it raises leaves its metrics out: missing data,
as on AWS, never zeros.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from localcloud.metrics.datum import MINUTE, Datum, minute_of

_log = logging.getLogger(__name__)

_TOO_LATE = 30.0
"""Seconds after which what is found is no longer of the minute that is over."""

Publish = Callable[[list[Datum]], None]


class Source(Protocol):
    """All calls come from one thread; whatever they raise is logged."""

    @property
    def name(self) -> str: ...

    @property
    def every(self) -> float:
        """Seconds between two samples."""

    @property
    def delay(self) -> float:
        """Seconds after the end of a minute until all of it can be seen."""

    def sample(self) -> None:
        """Look once."""

    def finish(self, minute: int) -> Iterable[list[Datum]]:
        """The data of the minute that began at `minute`. What was yielded before an error is published."""


class Ticker:
    """Runs one source until `stop` is set."""

    def __init__(self, source: Source, *, publish: Publish, stop: threading.Event) -> None:
        self._source = source
        self._publish = publish
        self._stop = stop
        self._minute = minute_of(time.time())
        self._troubles: dict[str, str] = {}

    @property
    def name(self) -> str:
        return self._source.name

    def start(self) -> None:
        threading.Thread(target=self._run, name=self._source.name, daemon=True).start()

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            self._attempt("look", self._source.sample)
            now = time.time()
            if now >= self._due:
                if now < self._due + _TOO_LATE:
                    self._attempt("minute", self._finish)
                # After a sleep of the machine, or of a server: on with the minute that is now, the others saw nothing.
                self._minute = max(self._minute + MINUTE, minute_of(now - self._source.delay))
            pause = min(self._source.every, max(self._due - time.time(), 0.0))

    @property
    def _due(self) -> float:
        return self._minute + MINUTE + self._source.delay

    def _finish(self) -> None:
        for data in self._source.finish(self._minute):
            self._publish(data)

    @property
    def trouble(self) -> str:
        """Why the last attempt failed; empty when it did not."""
        return next(iter(self._troubles.values()), "")

    def _attempt(self, what: str, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - the source may be well again at its next turn
            said = " ".join(f"{type(error).__name__}: {error}".split())
            if said != self._troubles.get(what):
                _log.warning("%s: %s", self._source.name, said)
            self._troubles[what] = said
        else:
            if self._troubles.pop(what, None):
                _log.info("%s: is well again", self._source.name)
