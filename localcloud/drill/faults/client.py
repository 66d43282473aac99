"""Clients of the drill: as people use SpendSmart, and everything that is acknowledged goes into the ledger."""

from __future__ import annotations

import asyncio
import hashlib
import random
import secrets
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localcloud import demo
from localcloud.drill.faults import pictures
from localcloud.ledger.check import READ
from localcloud.ledger.entries import Entry, Ledger
from localcloud.rollout.load import ledger as rollout
from localcloud.rollout.load.answers import Answer
from localcloud.rollout.load.traffic import Action, Mix
from localcloud.rollout.load.user import RELEASE_HEADER, User, with_comment

__all__ = ["RELEASE_HEADER", "Book", "Client", "mix"]

CATEGORIES = ("restaurants", "groceries", "transport", "travel")


@dataclass(kw_only=True)
class Book:
    """What all clients share: the ledger, numbers for new pictures, and receipts whose last correction got no answer.

    `used` are those numbers, of all turns: OpenAI's bill tells pictures apart by them, and goes on from turn to turn.
    `damage` changes an image after its form was signed, for drills of exactly that; `damaged` are the receipts.
    """

    ledger: Ledger
    numbers: random.Random
    used: set[int]
    doubtful: set[str] = field(default_factory=set)
    damaged: set[str] = field(default_factory=set)
    poisoned: set[str] = field(default_factory=set)
    damage: Callable[[dict[str, Any], bytes], None] | None = None

    def picture(self) -> bytes:
        """A receipt that nobody has sent yet, dated on another day than all others while there are days left."""
        number = self.numbers.randrange(pictures.MOST)
        while number in self.used and len(self.used) < pictures.MOST:
            number = (number + 1) % pictures.MOST
        self.used.add(number)
        return with_comment(pictures.draw(number), secrets.token_hex(8))


class Client(User):
    """One person. `refused` (409) is a proper answer to a correction: the receipt has changed meanwhile."""

    def __init__(
        self,
        *,
        book: Book,
        url: str,
        number: int,
        trust: ssl.SSLContext,
        ledger: rollout.Ledger,
        tell: Callable[[Answer], None],
    ) -> None:
        super().__init__(url=url, number=number, trust=trust, ledger=ledger, tell=tell)
        self._book = book
        self._corrected = 0

    def acknowledged(self, made: dict[str, Any], image: bytes, *, asked: float) -> None:
        super().acknowledged(made, image, asked=asked)
        digest, key = hashlib.sha256(image).hexdigest(), str(made["upload"]["fields"]["key"])
        entry = Entry(
            kind="receipt", receipt=made["id"], user=self.email, asked=asked, at=time.time(), key=key, sha256=digest
        )
        self._book.ledger.add(entry)

    async def upload(self) -> None:
        await self._upload(demo.RECEIPT.read_bytes())

    async def upload_new(self) -> None:
        await self._upload(self._book.picture())

    async def stored(self, form: dict[str, Any], image: bytes, receipt: str) -> None:
        if self._book.damage is not None:
            self._book.damaged.add(receipt)
            await asyncio.to_thread(self._book.damage, form, image)

    async def correct(self) -> None:
        """Give the newest receipt that was read another shop and category."""
        answer = await self._ask("list", "GET", "/receipts/")
        if answer is None:
            return
        read = [receipt["id"] for receipt in answer.json()["results"] if receipt["state"] in READ]
        if not read:
            return
        self._corrected += 1
        receipt = str(read[self._corrected % min(5, len(read))])
        number = f"{self._corrected}-{secrets.token_hex(3)}"
        fields = {"merchant": f"Shop {number}", "category": CATEGORIES[self._corrected % len(CATEGORIES)]}
        asked = time.time()
        self._book.doubtful.add(receipt)
        changed = await self._ask(
            "correct", "PATCH", f"/receipts/{receipt}/", json={**fields, "remember": False}, expect=(200, 409)
        )
        if changed is None:
            return  # made or not: nobody was told
        self._book.doubtful.discard(receipt)
        if changed.status_code == 200:
            entry = Entry(
                kind="correction", receipt=receipt, user=self.email, asked=asked, at=time.time(), fields=fields
            )
            self._book.ledger.add(entry)


READS = frozenset({"list", "poll", "spending", "page"})
"""Actions that change nothing."""

_USUAL: tuple[Action, ...] = (
    Client.list_receipts, Client.poll, Client.spending, Client.landing, Client.poll, Client.correct, Client.poll,
    Client.spending, Client.list_receipts, Client.poll, Client.refresh,
)  # fmt: skip
mix = Mix(client=Client, cycle=_USUAL, log_in_every=53, upload_every=12, upload_new_every=144)
"""One in twelve is an upload, one of twelve uploads has to be read."""
