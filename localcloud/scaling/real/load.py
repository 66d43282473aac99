"""Requests at a given rate, whatever the answers take: they burn CPU in the web tasks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2

from localcloud import demo

PATH = "/api/schema/"
"""The description of the API, which is made anew for each request: a tenth of a CPU second or more, and no database."""

_CLIENTS = 24
_PATIENCE = 30.0


class Load:
    """Sends `rate(seconds since the start)` requests a second from a thread, until `stop`."""

    def __init__(self, *, url: str, rate: Callable[[float], float]) -> None:
        self._http = httpx2.Client(base_url=url, verify=demo.trust(), timeout=_PATIENCE)
        self._pool = ThreadPoolExecutor(max_workers=_CLIENTS)
        self._rate = rate
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self.sent = self.failed = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Send nothing more; what is under way is waited for."""
        self._ended.set()
        self._thread.join()
        self._pool.shutdown()
        self._http.close()

    def _run(self) -> None:
        begun = last = time.monotonic()
        due = 0.0
        while not self._ended.wait(0.05):
            now = time.monotonic()
            due += self._rate(now - begun) * (now - last)
            last = now
            while due >= 1:
                due -= 1
                self.sent += 1
                self._pool.submit(self._send)

    def _send(self) -> None:
        try:
            good = self._http.get(PATH).status_code == httpx2.codes.OK
        except httpx2.HTTPError:
            good = False
        self.failed += not good
