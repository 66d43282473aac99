"""gunicorn with the application, as the task definition starts it, on the test's database."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from django.db import connection
from servers import free_port
from workers import APP, build_variables


@dataclass(frozen=True, kw_only=True)
class Gunicorn:
    port: int
    log: Path
    process: subprocess.Popen[bytes]

    def connect(self, sent: bytes = b"", *, timeout: float = 20) -> socket.socket:
        """A connection on which `sent` went out."""
        link = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        link.sendall(sent)
        return link

    def answer(self, request: bytes, *, timeout: float = 20) -> bytes:
        """All that comes back on a connection of its own, until the server closes it."""
        with self.connect(request, timeout=timeout) as link:
            return rest_of(link)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """All its processes are stopped, and go on afterwards; the kernel takes connections and bytes meanwhile."""
        root = psutil.Process(self.process.pid)
        processes = [root, *root.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()


def rest_of(link: socket.socket) -> bytes:
    """All that still comes, until the server closes the connection."""
    found = b""
    try:
        while data := link.recv(65_536):
            found += data
    except ConnectionResetError:
        pass
    return found


def statuses(answers: bytes) -> list[int]:
    """Of all answers in a stream."""
    return [int(part[:3]) for part in answers.split(b"HTTP/1.1 ")[1:]]


@contextmanager
def gunicorn(folder: Path, **variables: str) -> Iterator[Gunicorn]:
    port = free_port()
    name = str(connection.settings_dict["NAME"])
    environment = {
        **build_variables(APP), **os.environ,
        "DATABASE_NAME": name, "DATABASE_READER_NAME": name, "SCRATCH_DIR": str(folder), "PORT": str(port),
        "BIND_ADDRESS": "127.0.0.1", "WEB_WORKERS": "1", "LOG_LEVEL": "INFO", **variables,
    }  # fmt: skip
    log = folder / "gunicorn.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "spendsmart.wsgi"],
            cwd=APP, env=environment, stdout=file, stderr=file,
        )  # fmt: skip
    server = Gunicorn(port=port, log=log, process=process)
    try:
        _wait_for(server)
        yield server
    finally:
        process.terminate()
        process.wait(60)


def _wait_for(server: Gunicorn) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            server.connect().close()
        except ConnectionRefusedError:
            assert server.process.poll() is None and time.monotonic() < deadline, server.log.read_text()
            time.sleep(0.1)
        else:
            return
