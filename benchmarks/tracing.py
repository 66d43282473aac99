"""Requests per CPU-second with tracing off, with a share of the requests traced, and with all of them.

Each is a process of its own that calls the WSGI application directly; they take turns in short blocks, and the median
block counts. Log lines are written as in production (INFO). The CPU time is the whole process's, the thread that sends
the spans included; X-Ray's place takes a server in another process's thread, which is not counted.
"""

from __future__ import annotations

import gzip
import json
import os
import secrets
import statistics
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Any
from unittest.mock import patch

from benchmarks import measure
from benchmarks.api import LIST, MONTHS, PATHS, ROOT, Client

OUT = ROOT / "out" / "bench" / "tracing.json"
PERCENTS = (0, 5, 100)
RECEIPTS, USERS, HEAVY = 4_000, 40, 1_000
BLOCKS, REQUESTS = 11, 60
ENDPOINTS = {"list of 20 receipts": LIST, "spending by month, from the cache": MONTHS}


@dataclass
class Sink:
    """Takes what is sent to X-Ray, and counts it."""

    url: str = ""
    bytes: int = 0
    sent: int = 0
    spans: int = 0


def main() -> None:
    """Start the servers and a process for each share, let them take turns, print the table and write OUT."""
    sys.path[:0] = PATHS
    import conftest

    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, conftest.ENVIRONMENT))
        stack.callback(conftest.pytest_unconfigure)
        stack.enter_context(conftest.started())
        sink = _sink(stack)
        loaded = _start("load", percent=0, sink=sink)
        user = loaded.answer()
        loaded.process.wait()
        served = {percent: _start("serve", user, percent=percent, sink=sink) for percent in PERCENTS}
        rows = [_measured(served, name, path) for name, path in ENDPOINTS.items()]
        memory = {percent: one.ask("memory") for percent, one in served.items()}
        for one in served.values():
            one.ask("end")
    _report(rows, memory, sink)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"machine": measure.machine(), "rows": rows, "memory": memory}, indent=2) + "\n")


@dataclass(frozen=True)
class _Process:
    process: subprocess.Popen[str]

    def ask(self, what: str) -> Any:
        assert self.process.stdin
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> Any:
        assert self.process.stderr
        said: list[str] = []
        for line in self.process.stderr:
            if line.startswith("answer "):
                return json.loads(line.removeprefix("answer "))
            said.append(line)
        raise RuntimeError("".join(said[-30:]))


def _start(*arguments: str, percent: float, sink: Sink) -> _Process:
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *PATHS]), "LOG_LEVEL": "INFO",
        "TRACING_SAMPLE_PERCENT": str(percent), "AWS_ENDPOINT_URL_XRAY": sink.url,
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.tracing", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    return _Process(process)


def _measured(served: dict[int, _Process], name: str, path: str) -> dict[str, Any]:
    figures: dict[int, list[float]] = {percent: [] for percent in served}
    for block in range(BLOCKS + 1):
        for percent, one in served.items():
            figure = one.ask(path)
            if block:  # the first warms up
                figures[percent].append(figure)
    return {"case": name, **{str(percent): statistics.median(found) for percent, found in figures.items()}}


def _report(rows: list[dict[str, Any]], memory: dict[int, float], sink: Sink) -> None:
    print(f"{'requests per CPU-second':<36}" + "".join(f"{f'{percent} % traced':>20}" for percent in PERCENTS))
    for row in rows:
        off = row[str(PERCENTS[0])]
        print(
            f"{row['case']:<36}"
            + "".join(f"{row[str(percent)]:>11.0f}  ×{row[str(percent)] / off:.3f}" for percent in PERCENTS)
        )
    print(f"{'MiB of the process alone':<36}" + "".join(f"{memory[percent]:>20.1f}" for percent in PERCENTS))
    if sink.spans:
        print(f"{sink.bytes / sink.spans:.0f} bytes a span before compression, {sink.sent / sink.spans:.0f} sent")


def _sink(stack: ExitStack) -> Sink:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    found = Sink()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(sent)
            found.sent += len(sent)
            found.bytes += len(body)
            request = ExportTraceServiceRequest.FromString(body)
            found.spans += sum(len(scope.spans) for of in request.resource_spans for scope in of.scope_spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stack.callback(server.server_close)
    stack.callback(server.shutdown)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    return found


def load() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    import many_receipts

    user, _ = many_receipts.load(RECEIPTS, USERS, HEAVY)
    _answer(str(user.pk))


@dataclass
class Served:
    """The application of this process, for one user."""

    user: str

    def block(self, path: str) -> float:
        """Requests per CPU-second of this process, its other threads included."""
        client = self._client()
        begun = time.process_time()
        for _ in range(REQUESTS):
            client.get(path)
        return REQUESTS / (time.process_time() - begun)

    def _client(self) -> Client:
        from accounts import tokens
        from accounts.models import User

        # A token ends after ten minutes, which a busy machine may need.
        return Client(tokens.begin(User.objects.get(pk=self.user)).access, more=_header)


def _header() -> dict[str, str]:
    """As the load balancer sends it: which requests are traced goes by the id."""
    return {"HTTP_X_AMZN_TRACE_ID": f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"}


def serve(user: str) -> None:
    import psutil

    from spendsmart.wsgi import application  # noqa: F401  (as gunicorn loads it)

    served = Served(user)
    for line in sys.stdin:
        match line.strip():
            case "memory":
                _answer(psutil.Process().memory_full_info().uss / 2**20)
            case "end":
                _answer("bye")
                return
            case path:
                _answer(served.block(path))


def _answer(value: Any, to: IO[str] = sys.stderr) -> None:
    print(f"answer {json.dumps(value)}", file=to, flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["load"]:
            load()
        case ["serve", user]:
            serve(user)
        case _:
            print(f"Machine: {measure.machine()}\n")
            main()
