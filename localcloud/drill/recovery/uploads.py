"""Clients that upload receipts, one after the other, and write down what was acknowledged."""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
from pathlib import Path
from typing import Self

import httpx2

from localcloud import demo
from localcloud.console import LocalCloudError
from localcloud.demo import DemoUser
from localcloud.ledger import entries
from localcloud.ledger.entries import Entry, Ledger

_log = logging.getLogger(__name__)


class Uploads:
    """`clients` users that upload at a rate of `rate` receipts a second together, from `with` to its end.

    The pictures are the demo receipt's: it is read once, and the load is the platform's way of keeping things. What
    fails is not in the ledger: nobody was promised anything.
    """

    def __init__(self, *, url: str, ledger: Path, rate: float, clients: int = 2) -> None:
        self._url = url
        self._ledger = Ledger(ledger)
        self._pause = clients / rate
        self._over = threading.Event()
        self.failed = 0
        self._threads = [
            threading.Thread(target=self._run, args=(number,), name=f"uploads-{number}", daemon=True)
            for number in range(clients)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)
        self._ledger.close()

    def promises(self) -> list[Entry]:
        """What was acknowledged so far."""
        return entries.read(self._ledger.path)

    def _run(self, number: int) -> None:
        login = DemoUser(email=f"drill-{secrets.token_hex(4)}-{number}@example.com", password=secrets.token_urlsafe(12))
        client: demo.Client | None = None
        body = demo.RECEIPT.read_bytes()
        while not self._over.is_set():
            try:
                client = client or demo.Client(self._url, login)
                self._upload(client, login, body)
            except (httpx2.HTTPError, LocalCloudError) as error:
                self.failed += 1
                client = None
                _log.info("no upload: %s", error)
            self._over.wait(self._pause)

    def _upload(self, client: demo.Client, login: DemoUser, body: bytes) -> None:
        asked = time.time()
        made = client.create(content_type="image/png", size=len(body))
        client.store(made["upload"], body, name=demo.RECEIPT.name, content_type="image/png")
        client.complete(made["id"])
        self._ledger.add(
            Entry(
                kind="receipt",
                receipt=made["id"],
                user=login.email,
                asked=asked,
                at=time.time(),
                key=made["upload"]["fields"]["key"],
                sha256=hashlib.sha256(body).hexdigest(),
            )
        )
