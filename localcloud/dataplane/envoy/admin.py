"""Envoy's administration interface, on a unix socket."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any

from localcloud.dataplane import paths
from localcloud.dataplane.errors import NotYetError


def socket_path(name: str) -> Path:
    """Of the Envoy called `name`."""
    return paths.sockets() / f"{name}.sock"


def ask(name: str, path: str, *, method: str = "GET") -> dict[str, Any]:
    """Call the interface of the Envoy called `name`; an answer that is no JSON is under `text`.

    Raises NotYetError when it does not answer.
    """
    connection = _UnixConnection(socket_path(name))
    try:
        connection.request(method, path)
        body = connection.getresponse().read()
    except (OSError, http.client.HTTPException) as error:
        raise NotYetError(f"Envoy does not answer: {error}") from error
    finally:
        connection.close()
    try:
        found: dict[str, Any] = json.loads(body)
    except json.JSONDecodeError:
        return {"text": body.decode(errors="replace")}
    return found


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
