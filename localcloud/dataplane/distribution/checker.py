"""The service that Envoy asks about each request to a behaviour with trusted keys (ext_authz, on a unix socket).

When it does not answer, Envoy refuses the request.
"""

from __future__ import annotations

import http.cookies
import socketserver
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from localcloud.dataplane import paths
from localcloud.dataplane.distribution import signatures
from localcloud.dataplane.distribution.behaviors import find, trusted_keys
from localcloud.dataplane.specs import DistributionSpec


def socket_path() -> Path:
    return paths.sockets() / "signatures.sock"


class SignatureChecker:
    """Serves from `start` to `stop`; `distributions` may be replaced at any time."""

    def __init__(self) -> None:
        self.distributions: Mapping[str, DistributionSpec] = {}
        self._server: _Server | None = None

    def start(self) -> None:
        path = socket_path()
        path.unlink(missing_ok=True)
        self._server = _Server(str(path), _Handler)
        self._server.checker = self
        path.chmod(0o600)
        threading.Thread(target=self._server.serve_forever, name="signatures", daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            socket_path().unlink(missing_ok=True)
            self._server = None

    def check(self, distribution_id: str, request: signatures.ViewerRequest) -> None:
        """Raises RefusedError."""
        distribution = self.distributions.get(distribution_id)
        if distribution is None:
            raise signatures.RefusedError("AccessDenied", "Access denied")
        keys = trusted_keys(find(distribution, request.target.partition("?")[0]))
        signatures.check(request, keys=keys, now=time.time())


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128
    checker: SignatureChecker


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _answer(self) -> None:
        distribution_id, _, target = self.path.removeprefix("/").partition("/")
        cookies = http.cookies.SimpleCookie(self.headers.get("cookie", ""))
        request = signatures.ViewerRequest(
            scheme=self.headers.get("x-forwarded-proto", "http"),
            host=self.headers.get("host", ""),
            target=f"/{target}",
            # Envoy appended it: earlier ones are what the viewer claims.
            address=self.headers.get("x-forwarded-for", "").rpartition(",")[2].strip() or "0.0.0.0",  # noqa: S104
            cookies={name: morsel.value for name, morsel in cookies.items()},
        )
        try:
            self.server.checker.check(distribution_id, request)
        except signatures.RefusedError as error:
            self._send(403, error_document(error.code, str(error)))
        else:
            self._send(200, "")

    def _send(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_OPTIONS = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

    def address_string(self) -> str:
        return "unix socket"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quiet: URLs carry signatures."""


def error_document(code: str, message: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
