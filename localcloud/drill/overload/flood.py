"""A flood of small requests from many connections, at a fixed rate or as fast as they are answered.

Bare sockets, as the machine that serves is the one that asks: an ordinary client would take more of it than the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

TIMEOUT = 20.0
"""Seconds after which nobody waits for an answer any more."""


@dataclass(kw_only=True)
class Answers:
    """What came back: by status, with `later` those refusals that said when to come back; `seconds` of each."""

    statuses: Counter[int] = field(default_factory=Counter)
    later: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.statuses.values()) + sum(self.lost.values())

    @property
    def good(self) -> int:
        return sum(count for status, count in self.statuses.items() if status < 400)

    @property
    def rude(self) -> int:
        """Answers that neither served nor said when to come back, and none at all."""
        return self.total - self.good - self.later


class Flood:
    """`requests` are sent in turn, as they are, by `connections` clients; each must ask for one keep-alive answer."""

    def __init__(self, url: str, requests: Sequence[bytes], *, connections: int) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), parts.port or 80
        self._requests = requests
        self._connections = connections
        self._turn = 0
        self.answers = Answers()

    def run(self, *, seconds: float, rate: float | None = None) -> Answers:
        """Send for so long, `rate` requests a second (all connections together), or without one as fast as it goes."""
        asyncio.run(self._run(seconds, rate))
        return self.answers

    async def _run(self, seconds: float, rate: float | None) -> None:
        end = time.monotonic() + seconds
        pause = self._connections / rate if rate else 0.0
        await asyncio.gather(
            *(self._client(end, pause, pause * number / self._connections) for number in range(self._connections))
        )

    async def _client(self, end: float, pause: float, first: float) -> None:
        await asyncio.sleep(first)
        link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        due = time.monotonic()
        while time.monotonic() < end:
            began = time.monotonic()
            try:
                link = link or await asyncio.open_connection(self._host, self._port)
                async with asyncio.timeout(TIMEOUT):
                    kept = await self._ask(*link)
            except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
                self.answers.lost[type(error).__name__] += 1
                kept = False
            else:
                self.answers.seconds.append(time.monotonic() - began)
            if not kept and link:
                await _close(link[1])
                link = None
            due += pause
            # Who was kept waiting does not catch up: there are others for that.
            due = max(due, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
        if link:
            await _close(link[1])

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection stays open."""
        request = self._requests[self._turn % len(self._requests)]
        self._turn += 1
        writer.write(request)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        lines = head.split(b"\r\n")
        headers = dict(line.split(b": ", 1) for line in lines[1:] if b": " in line)
        if b"chunked" in headers.get(b"transfer-encoding", b""):
            while await reader.readuntil(b"\r\n") != b"0\r\n":
                pass
            await reader.readuntil(b"\r\n")
        else:
            await reader.readexactly(int(headers.get(b"content-length", b"0")))
        status = int(lines[0].split()[1])
        self.answers.statuses[status] += 1
        self.answers.later += status in (429, 503) and b"retry-after" in headers
        return headers.get(b"connection") != b"close"


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
