"""The load itself: a fixed number of actions per second, whatever the answers take."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import httpx2

from localcloud import demo
from localcloud.console import LocalCloudError
from localcloud.rollout.load.answers import Answer
from localcloud.rollout.load.ledger import Ledger
from localcloud.rollout.load.user import User

USERS = 7
"""Prime to the numbers below, so that everybody comes to do everything."""

_CYCLE: tuple[Callable[[User], Awaitable[None]], ...] = (
    User.list_receipts, User.poll, User.spending, User.landing, User.list_receipts, User.poll, User.list_receipts,
    User.spending, User.poll, User.list_receipts, User.poll,
)  # fmt: skip
"""What people do most, one after the other and each time another one of them."""

_LOG_IN_EVERY = 25
"""Actions of which one is a login: the slowest request, and more than one in a hundred, so that it makes the p99."""

_UPLOAD_EVERY, _UPLOAD_NEW_EVERY = 36, 144
"""Actions of which one is an upload, and one is an upload of what has to be read, which takes three CPU seconds."""

RECONCILIATION = 180.0
"""Seconds that the receipts acknowledged last have to get into a final state."""


Action = Callable[[Any], Awaitable[None]]
"""Something that a client does."""


class Arrives(Protocol):
    """What makes a client: a subclass of User, mostly."""

    def __call__(
        self, *, url: str, number: int, trust: ssl.SSLContext, ledger: Ledger, tell: Callable[[Answer], None]
    ) -> User: ...


@dataclass(frozen=True, kw_only=True)
class Mix:
    """What is done as the action of a number: the cycle, and now and then what is rarer, as actions of `client`."""

    client: type[User]
    cycle: tuple[Action, ...]
    log_in_every: int
    upload_every: int
    upload_new_every: int

    def __call__(self, number: int) -> Action:
        if number % self.upload_new_every == 3:
            return self.client.upload_new
        if number % self.upload_every == 3:
            return self.client.upload
        if number % self.log_in_every == 5:
            return self.client.log_in
        return self.cycle[number % len(self.cycle)]


usual = Mix(
    client=User,
    cycle=_CYCLE,
    log_in_every=_LOG_IN_EVERY,
    upload_every=_UPLOAD_EVERY,
    upload_new_every=_UPLOAD_NEW_EVERY,
)


class Traffic:
    """Starts with `start`, ends with `stop`; the answers so far are in `answers`, in the order they came.

    `client` makes the clients, `mix` says what is done as which action.
    """

    def __init__(self, *, url: str, rate: float, client: Arrives = User, mix: Callable[[int], Action] = usual) -> None:
        self.answers: list[Answer] = []
        self.ledger = Ledger()
        self._rate = rate
        self._mix = mix
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="load", daemon=True)
        trust = demo.trust()
        self._users = [
            client(url=url, number=number, trust=trust, ledger=self.ledger, tell=self.answers.append)
            for number in range(1, USERS + 1)
        ]
        self._pacing: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Let everybody register and log in, then begin. Raises LocalCloudError when that does not work."""
        self._thread.start()
        try:
            self._call(self._arrive(), patience=180)
        except (httpx2.HTTPError, TimeoutError) as error:
            raise LocalCloudError(f"no user can register: {error!r}", remedy="run: make status") from error

    def stop(self) -> None:
        """Send nothing more, wait for what is under way."""
        self._call(self._finish(), patience=120)

    def reconcile(self) -> None:
        """Ask for every receipt until all are in a final state, or the patience is over."""
        self._call(self._reconcile(), patience=RECONCILIATION + 60)

    def close(self) -> None:
        self._call(self._leave(), patience=130)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _call(self, job: Awaitable[None], *, patience: float) -> None:
        async def run() -> None:
            await job

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(patience)

    async def _arrive(self) -> None:
        for user in self._users:
            await user.arrive()
        self._pacing = asyncio.create_task(self._pace())

    async def _pace(self) -> None:
        started, number = time.monotonic(), 0
        under_way: set[asyncio.Task[None]] = set()
        try:
            while True:
                await asyncio.sleep(max(0.0, started + number / self._rate - time.monotonic()))
                task = asyncio.create_task(self._act(number))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                number += 1
        except asyncio.CancelledError:
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _act(self, number: int) -> None:
        await self._mix(number)(self._users[number % len(self._users)])

    async def _finish(self) -> None:
        if self._pacing:
            self._pacing.cancel()
            await self._pacing

    async def _reconcile(self) -> None:
        deadline = time.monotonic() + RECONCILIATION
        while True:
            for user in self._users:
                try:
                    self.ledger.reconcile(user.email, await user.states())
                except httpx2.HTTPError:
                    continue  # asked again below; at the deadline its receipts count as open
            if not self.ledger.open() or time.monotonic() > deadline:
                return
            await asyncio.sleep(1)

    async def _leave(self) -> None:
        await self._finish()
        for user in self._users:
            await user.leave()
