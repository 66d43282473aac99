"""Which sources there are: resources come and go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from localcloud.metrics.clock import Publish, Source, Ticker

Wanted = dict[str, Callable[[], list[Source]]]
"""Makers of sources by a key, which is another one when what the sources must know is."""


class Roster:
    """A ticker for each source. All calls come from one thread."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._tickers: dict[str, list[Ticker]] = {}
        self._stops: dict[str, threading.Event] = {}

    def match(self, wanted: Mapping[str, Callable[[], list[Source]]]) -> None:
        """Start what is new, stop what is no longer wanted."""
        for key in self._tickers.keys() - wanted.keys():
            self._stops.pop(key).set()
            del self._tickers[key]
        for key in wanted.keys() - self._tickers.keys():
            stop = self._stops[key] = threading.Event()
            self._tickers[key] = [Ticker(source, publish=self._publish, stop=stop) for source in wanted[key]()]
            for ticker in self._tickers[key]:
                ticker.start()

    def troubles(self) -> dict[str, str]:
        """By source, why it could not be looked at."""
        every = [ticker for tickers in self._tickers.values() for ticker in tickers]
        return {ticker.name: ticker.trouble for ticker in every if ticker.trouble}
