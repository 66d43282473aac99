"""The server itself: it answers as it is told, remembers what came when, and bills what it answered."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import threading
import time
import uuid
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request. `at` in seconds of the monotonic clock; `client_id` is what the client calls it."""

    at: float
    method: str
    path: str
    authorization: str
    client_id: str
    body: dict[str, Any]
    raw: bytes = b""
    content_type: str = ""
    request_id: str = field(default_factory=lambda: f"req_{uuid.uuid4().hex}")

    @property
    def picture(self) -> Image.Image:
        """The picture that the request carries."""
        (part,) = self.body["input"][-1]["content"]
        return Image.open(io.BytesIO(base64.b64decode(part["image_url"].partition(",")[2])))


@dataclass(kw_only=True)
class Reply:
    """What to answer. A `billed` one is on the bill whether or not the client gets to see it.

    `hold` is waited for before anything is sent, `delay_seconds` too; `drip_seconds` pass after each of ten pieces;
    after `cut_after` bytes the connection is closed. `pretend` is sent instead of the body that is billed.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    hold: threading.Event | None = None
    drip_seconds: float = 0.0
    cut_after: int | None = None
    billed: bool = False
    pretend: bytes | None = None


class OpenAIServer:
    """Answers each request with what `respond` says, or with `reply` where it says nothing.

    `routes` is for more of the API than the Responses: by method and path, the same signature as `respond`. `subtree`
    is asked first, for paths that carry names; None means that the request is not its own.
    """

    def __init__(self) -> None:
        self.reply = Reply()
        self.respond: Callable[[Received], Reply] = lambda _request: self.reply
        self.routes: dict[tuple[str, str], Callable[[Received], Reply]] = {}
        self.subtree: Callable[[Received], Reply | None] = lambda _request: None
        self.requests: list[Received] = []
        self.bill: dict[str, dict[str, Any]] = {}
        """By the client's name of the call, or else the request's id: the usage that it is charged for, and `model`."""
        self.url = ""
        self._lock = threading.Lock()

    def answer(self, request: Received) -> Reply:
        with self._lock:
            self.requests.append(request)
        reply = self.subtree(request) or self.routes.get((request.method, request.path), self.respond)(request)
        if reply.billed:
            usage = json.loads(reply.body)["usage"]
            with self._lock:
                key = request.client_id or request.request_id
                if key in self.bill:  # the same call a second time: another line, which no ledger knows
                    key = f"{key} again, {request.request_id}"
                self.bill[key] = {**usage, "model": request.body["model"], "request_id": request.request_id}
        return reply

    def busiest(self, seconds: float = 60.0) -> int:
        """The most requests that came within any stretch of so many seconds."""
        times = sorted(request.at for request in self.requests)
        return max((bisect_right(times, at + seconds) - first for first, at in enumerate(times)), default=0)


@contextlib.contextmanager
def serve(port: int = 0) -> Iterator[OpenAIServer]:
    """Serve on this port of 127.0.0.1, or on a free one, until the block ends."""
    fake = OpenAIServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._answer(self._raw_body())

        def do_GET(self) -> None:
            self._answer(b"")

        def do_DELETE(self) -> None:
            self._answer(b"")

        def _raw_body(self) -> bytes:
            if "Content-Length" in self.headers:
                return self.rfile.read(int(self.headers["Content-Length"]))
            body = b""  # chunked, as a file of unknown length is sent
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            return body

        def _answer(self, raw: bytes) -> None:
            content_type = self.headers.get("Content-Type", "")
            request = Received(
                at=time.monotonic(), method=self.command, path=self.path, raw=raw, content_type=content_type,
                body=json.loads(raw) if raw and content_type.startswith("application/json") else {},
                authorization=self.headers["Authorization"] or "",
                client_id=self.headers.get("X-Client-Request-Id", ""),
            )  # fmt: skip
            reply = fake.answer(request)
            if reply.hold:
                reply.hold.wait(30)
            time.sleep(reply.delay_seconds)
            self.close_connection = True
            with contextlib.suppress(OSError):  # the client may have gone
                self._send(request, reply)

        def _send(self, request: Received, reply: Reply) -> None:
            self.send_response(reply.status)
            headers = {"Content-Type": "application/json", "x-request-id": request.request_id, "Connection": "close"}
            for name, value in (headers | reply.headers).items():
                self.send_header(name, value)
            body = reply.body if reply.pretend is None else reply.pretend
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            sent = body[: reply.cut_after]
            if not reply.drip_seconds:
                self.wfile.write(sent)
                return
            step = max(1, len(sent) // 10)
            for start in range(0, len(sent), step):
                self.wfile.write(sent[start : start + step])
                self.wfile.flush()
                time.sleep(reply.drip_seconds)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
