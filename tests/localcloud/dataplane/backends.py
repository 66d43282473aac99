"""HTTP servers behind load balancers, and a client that counts."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import struct
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from localcloud import tls


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._connections: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.append(request)
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet: connections that are reset are the point of some tests."""

    def reset_connections(self) -> None:
        for connection in self._connections:
            try:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # closed already
                continue


class Backend:
    """Answers every request with its name and what it saw; `healthy`, `status` and `delay` (seconds) may be changed."""

    def __init__(self, name: str, *, port: int = 0) -> None:
        self.name = name
        self.healthy = True
        self.status = 200
        self.delay = 0.0
        self.length = 0
        self.checks: list[dict[str, str]] = []
        self.seen = 0
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1  # headers and body in one write

            def do_GET(self) -> None:
                backend._answer(self)

            do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", port), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Die as a killed process does: connections are reset, requests under way get no answer."""
        self._server.shutdown()
        self._server.server_close()
        self._server.reset_connections()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        handler.rfile.read(int(headers.get("content-length", 0)))
        if handler.path == "/health":
            self.checks.append(headers)
            self._send(handler, 200 if self.healthy else 500, b"")
            return
        self.seen += 1
        threading.Event().wait(self.delay)
        saw: dict[str, Any] = {"name": self.name, "path": handler.path, "method": handler.command, "headers": headers}
        self._send(handler, self.status, json.dumps({**saw, "padding": "x" * self.length}).encode())

    def _send(self, handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)
        handler.wfile.flush()


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def saw(self) -> dict[str, Any]:
        """What the backend saw."""
        found: dict[str, Any] = json.loads(self.body)
        return found


def ask(
    port: int, path: str = "/", *, method: str = "GET", secure: bool = False, body: str | None = None, **headers: str
) -> Answer:
    """One request on a connection of its own; underscores in header names stand for hyphens."""
    connection: http.client.HTTPConnection
    if secure:
        context = ssl.create_default_context(cafile=str(tls.material().authority))
        connection = http.client.HTTPSConnection("localhost", port, timeout=10, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=names)
        return Answer(connection.getresponse())
    finally:
        connection.close()


class Load:
    """Requests from several threads until it is stopped; `outcomes` counts (status, backend)."""

    def __init__(self, port: int, *, threads: int = 4, method: str = "GET") -> None:
        self.outcomes: Counter[tuple[int, str]] = Counter()
        self._port, self._method = port, method
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    @property
    def errors(self) -> dict[tuple[int, str], int]:
        return {outcome: count for outcome, count in self.outcomes.items() if outcome[0] != 200}

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        while not self._end.is_set():
            try:
                connection.request(self._method, "/load")
                answer = Answer(connection.getresponse())
                outcome = (answer.status, answer.saw["name"] if answer.status == 200 else "")
            except (OSError, http.client.HTTPException) as error:
                outcome = (0, repr(error))
                connection.close()
            with self._lock:
                self.outcomes[outcome] += 1
        connection.close()
