"""One person's client: logs in, sends receipts, looks at them. No request is ever repeated."""

from __future__ import annotations

import secrets
import ssl
import struct
import time
import zlib
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import httpx2

from localcloud import demo
from localcloud.rollout.load.answers import Answer
from localcloud.rollout.load.ledger import Ledger, Promise

TIMEOUT = 15.0
"""Seconds after which a request without an answer has failed; people are gone by then."""

RELEASE_HEADER = "X-Release"

_API = "/api/v1"


class User:
    """A client with an account of its own. `tell` gets every answer of the load balancer."""

    def __init__(self, *, url: str, number: int, trust: ssl.SSLContext, ledger: Ledger, tell: Callable[[Answer], None]):
        self.email = f"rehearsal-{number}-{secrets.token_hex(4)}@example.com"
        self._credentials = {"email": self.email, "password": secrets.token_urlsafe(18)}
        self._http = httpx2.AsyncClient(base_url=url, verify=trust, timeout=TIMEOUT)
        self._trust = trust
        self._ledger = ledger
        self._tell = tell
        self._refresh = ""

    async def arrive(self) -> None:
        """Register and log in. Raises httpx2.HTTPError."""
        made = await self._http.post(f"{_API}/auth/register/", json=self._credentials)
        made.raise_for_status()
        answer = await self._http.post(f"{_API}/auth/login/", json=self._credentials)
        answer.raise_for_status()
        self._log_in(answer)

    async def refresh(self) -> None:
        """Exchange the refresh token for a new pair; who cannot logs in again next time, as after any lost answer."""
        if not self._refresh:
            await self.log_in()
            return
        token, self._refresh = self._refresh, ""
        answer = await self._ask("refresh", "POST", "/auth/refresh/", json={"refresh": token})
        if answer is not None:
            self._log_in(answer)

    async def leave(self) -> None:
        await self._http.aclose()

    async def log_in(self) -> None:
        answer = await self._ask("log in", "POST", "/auth/login/", json=self._credentials)
        if answer is not None:
            self._log_in(answer)

    def _log_in(self, answer: httpx2.Response) -> None:
        pair = answer.json()
        self._http.headers["Authorization"] = f"Bearer {pair['access']}"
        self._refresh = pair["refresh"]

    async def list_receipts(self) -> None:
        await self._ask("list", "GET", "/receipts/")

    async def spending(self) -> None:
        await self._ask("spending", "GET", "/analytics/month/")

    async def landing(self) -> None:
        await self._ask("page", "GET", "/", prefix="")

    async def poll(self) -> None:
        """Look at the receipt that was sent last."""
        sent = self._ledger.receipts_of(self.email)
        await (self._ask("poll", "GET", f"/receipts/{sent[-1]}/") if sent else self.list_receipts())

    async def upload(self) -> None:
        """Send a picture that was sent before by everybody: nothing needs to be recognized."""
        await self._upload(demo.RECEIPT.read_bytes())

    async def upload_new(self) -> None:
        """Send a picture whose bytes nobody has sent before, so that a worker has to read it."""
        await self._upload(with_comment(demo.RECEIPT.read_bytes(), secrets.token_hex(16)))

    def acknowledged(self, made: dict[str, Any], image: bytes, *, asked: float) -> None:  # noqa: ARG002
        """The application has taken over a receipt: `made` is what it was announced as."""
        self._ledger.promise(Promise(receipt=str(made["id"]), user=self.email, at=time.time()))

    async def stored(self, form: dict[str, Any], image: bytes, receipt: str) -> None:
        """The image is in the bucket, and the application has not been told yet."""

    async def _upload(self, image: bytes) -> None:
        announced = {"content_type": "image/png", "size": len(image)}
        answer = await self._ask("announce", "POST", "/receipts/", json=announced, expect=201)
        if answer is None:
            return
        made = answer.json()
        if await self._store(made["upload"], image) is None:
            return
        await self.stored(made["upload"], image, str(made["id"]))
        asked = time.time()
        done = await self._ask("complete", "POST", f"/receipts/{made['id']}/complete/", expect=202)
        if done is not None:
            self.acknowledged(made, image, asked=asked)

    async def _store(self, form: dict[str, Any], image: bytes) -> httpx2.Response | None:
        """The upload straight to S3; what a release signed wrongly fails here."""
        async with httpx2.AsyncClient(verify=self._trust, timeout=TIMEOUT) as s3:
            files = {"file": ("receipt.png", image, "image/png")}
            return await self._expect("store", s3.post(form["url"], data=form["fields"], files=files), 204)

    async def states(self) -> dict[str, str]:
        """State by receipt, of all that the account has. Raises httpx2.HTTPError."""
        found: dict[str, str] = {}
        path: str | None = f"{_API}/receipts/"
        while path:
            answer = await self._http.get(path)
            if answer.status_code == 401:
                await self.log_in()
                answer = await self._http.get(path)
            answer.raise_for_status()
            page = answer.json()
            found |= {receipt["id"]: receipt["state"] for receipt in page["results"]}
            path = page["next"]
        return found

    async def _ask(
        self,
        action: str,
        method: str,
        path: str,
        *,
        prefix: str = _API,
        expect: int | Collection[int] = 200,
        **given: Any,
    ) -> httpx2.Response | None:
        return await self._expect(action, self._http.request(method, prefix + path, **given), expect)

    async def _expect(
        self, action: str, request: Awaitable[httpx2.Response], expected: int | Collection[int]
    ) -> httpx2.Response | None:
        """Tell how the request went; its answer when that is the expected one."""
        at, started = time.time(), time.perf_counter()
        status, release, error, answer = 0, "", "", None
        try:
            answer = await request
        except httpx2.HTTPError as failure:
            error = f"{type(failure).__name__} {failure}".strip()
        else:
            status, release = answer.status_code, answer.headers.get(RELEASE_HEADER, "")
        good = status in ((expected,) if isinstance(expected, int) else expected)
        if answer is not None and not good:
            error = answer.text[:200]
        self._tell(
            Answer(
                at=at,
                action=action,
                status=status,
                good=good,
                seconds=time.perf_counter() - started,
                release=release,
                error=error,
            )
        )
        return answer if good else None


def with_comment(png: bytes, comment: str) -> bytes:
    """The same picture in other bytes: a tEXt chunk before IEND (PNG, third edition, 11.3.3.2)."""
    content = b"tEXt" + b"Comment\0" + comment.encode()
    chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    return png[:-12] + chunk + png[-12:]
