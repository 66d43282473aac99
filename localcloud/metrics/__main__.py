"""`python -m localcloud.metrics`: publish metrics of the local cloud's parts until SIGTERM or SIGINT."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import socket
import sys
import threading
import time

from localcloud import layout
from localcloud.metrics import latest
from localcloud.metrics.publisher import Publisher
from localcloud.metrics.roster import Roster, Wanted
from localcloud.metrics.sources.caches import caches
from localcloud.metrics.sources.databases import databases
from localcloud.metrics.sources.edge import Edge, target_groups
from localcloud.metrics.sources.tasks import Tasks

_log = logging.getLogger("localcloud.metrics")

_PERIOD, _AWAY_PERIOD = 0.5, 3.0
"""Seconds between two looks for data to send, and between two attempts while the API does not answer."""

_LOOK_EVERY = 10.0
"""Seconds between two looks for databases and caches that came or went."""


def main() -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    os.umask(0o077)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with (layout.folder("metrics") / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"metrics are published from {layout.home()} already", file=sys.stderr)
            return 1
        latest.forget()
        while not _api_listens() and not stop.wait(_PERIOD):
            continue
        run(stop)
    return 0


def run(stop: threading.Event) -> None:
    """Until `stop` is set; what waits then is lost, as what is measured in that minute is."""
    publisher = Publisher()
    roster = Roster(publisher.add)
    seen, look_at, trouble = latest.Latest(), 0.0, ""
    while not stop.wait(_AWAY_PERIOD if publisher.away else _PERIOD):
        if time.monotonic() >= look_at:
            look_at = time.monotonic() + _LOOK_EVERY
            trouble, before = _match(roster), trouble
            if trouble and not before:
                _log.warning("databases and caches cannot be read: %s", trouble)
        sent, troubles = publisher.send(), roster.troubles()
        if sent or tuple(troubles.items()) != seen.troubles:
            seen = latest.add(seen, sent, troubles=troubles)


def _match(roster: Roster) -> str:
    """Why the API could not be read, empty when it could; meanwhile everything goes on as it is."""
    always: Wanted = {"edge": lambda: [Edge(target_groups)], "tasks": lambda: [Tasks()]}
    try:
        roster.match(always | databases() | caches())
    except Exception as error:  # noqa: BLE001 - one odd record must not end what is measured elsewhere
        return f"{type(error).__name__}: {error}"
    return ""


def _api_listens() -> bool:
    """Who starts first makes keys and certificates: the emulator had better be the one."""
    try:
        socket.create_connection((layout.LOOPBACK, layout.ports().api), timeout=1).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
