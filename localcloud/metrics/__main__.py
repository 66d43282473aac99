"""`python -m localcloud.metrics`: publish metrics of the local cloud's parts until SIGTERM or SIGINT."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading

from localcloud import layout
from localcloud.metrics import latest
from localcloud.metrics.clock import Source, Ticker
from localcloud.metrics.publisher import Publisher
from localcloud.metrics.sources.edge import Edge, target_groups
from localcloud.metrics.sources.tasks import Tasks

_PERIOD = 0.5
"""Seconds between two looks for data to send."""


def main() -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    os.umask(0o077)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    latest.forget()
    while not _api_listens() and not stop.wait(_PERIOD):
        continue
    run([Edge(target_groups), Tasks()], stop)
    return 0


def run(sources: list[Source], stop: threading.Event) -> None:
    """Until `stop` is set; what waits then is lost, as what is measured in that minute is."""
    publisher = Publisher()
    tickers = {source.name: Ticker(source, publish=publisher.add, stop=stop) for source in sources}
    for ticker in tickers.values():
        ticker.start()
    seen = latest.Latest()
    while not stop.wait(_PERIOD):
        sent = publisher.send()
        troubles = {name: ticker.trouble for name, ticker in tickers.items() if ticker.trouble}
        if sent or tuple(troubles.items()) != seen.troubles:
            seen = latest.add(seen, sent, troubles=troubles)


def _api_listens() -> bool:
    """Who starts first makes keys and certificates: the emulator had better be the one."""
    try:
        socket.create_connection((layout.LOOPBACK, layout.ports().api), timeout=1).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
