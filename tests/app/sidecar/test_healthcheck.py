"""The containers' health checks, run as the platform runs them: a command and its exit code."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "app_src" / "healthcheck.py"


def check(what: str, **environment: str) -> tuple[int, str]:
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), what], env=environment, capture_output=True, text=True, check=False, timeout=10
    )
    return ran.returncode, ran.stderr


@pytest.fixture
def web() -> Iterator[tuple[HTTPServer, list[int]]]:
    status = [200]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status[0] if self.path == "/livez" else 404)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server, status
    server.shutdown()
    server.server_close()


def test_web_follows_livez(web: tuple[HTTPServer, list[int]]) -> None:
    server, status = web
    assert check("web", PORT=str(server.server_port)) == (0, "")
    status[0] = 503
    code, message = check("web", PORT=str(server.server_port))
    assert code == 1 and "503" in message


def test_web_without_a_server_or_a_port() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert check("web", PORT=str(unused.getsockname()[1]))[0] == 1
    assert check("web") == (1, "unhealthy: the environment variable PORT is not set\n")


def test_a_web_server_that_hangs_is_unhealthy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert check("web", PORT=str(silent.getsockname()[1]))[0] == 1


@pytest.mark.parametrize("what", ["worker", "beat"])
def test_the_heartbeat_must_be_fresh(what: str, tmp_path: Path) -> None:
    assert check(what, SCRATCH_DIR=str(tmp_path))[0] == 1
    heartbeat = tmp_path / "heartbeat"
    heartbeat.touch()
    assert check(what, SCRATCH_DIR=str(tmp_path)) == (0, "")
    os.utime(heartbeat, (time.time() - 61, time.time() - 61))
    code, message = check(what, SCRATCH_DIR=str(tmp_path))
    assert code == 1 and "61 s old" in message


def test_pgbouncer_must_speak_its_protocol(web: tuple[HTTPServer, list[int]]) -> None:
    assert check("pgbouncer", PGBOUNCER_PORT=str(web[0].server_port))[0] == 1


def test_misuse() -> None:
    assert check("nonsense")[0] == 2


def test_it_is_fast(tmp_path: Path) -> None:
    """It runs every few seconds in every container: 100 ms of processor time, interpreter included."""
    (tmp_path / "heartbeat").touch()
    before = os.times()
    for _ in range(5):
        check("worker", SCRATCH_DIR=str(tmp_path))
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    assert spent / 5 < 0.1
