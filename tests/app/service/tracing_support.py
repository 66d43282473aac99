"""X-Ray's endpoint on this machine, and the web application in a process of its own, which tracing changes for good."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from django.db import connection
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from workers import APP, build_variables

OURS = "67891234aaaaaaaaaaaaaaaaaaaaaaaa"
HEADER = (
    "Self=1-67891234-aaaaaaaaaaaaaaaaaaaaaaaa;Root=1-67891233-abcdef012345678912345678"
    ";Parent=53995c3f42cd8ad8;Sampled=1"
)
"""As the load balancer passes on a request whose sender wrote a trace id of their own."""


@dataclass
class XRay:
    """Keeps what it is sent; each span with the name of its service."""

    url: str = ""
    spans: list[tuple[str, Span]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def named(self, name: str) -> list[Span]:
        return [span for _, span in self.spans if span.name == name]

    def keep(self, headers: dict[str, str], body: bytes) -> None:
        self.headers.append(headers)
        self.bodies.append(body)
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = next(a.value.string_value for a in group.resource.attributes if a.key == "service.name")
            self.spans += [(service, span) for scope in group.scope_spans for span in scope.spans]


@contextmanager
def xray_endpoint() -> Iterator[XRay]:
    found = XRay()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.keep({**self.headers, "path": self.path}, gzip.decompress(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


def attributes(span: Span) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a process answered, had loaded at its end, and wrote."""

    statuses: list[int]
    modules: set[str]
    output: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]

    def line(self, event: str) -> dict[str, Any]:
        return next(line for line in self.lines if line.get("event") == event)


def ask_web(*requests: dict[str, Any], percent: str, xray: str, **variables: str) -> Asked:
    """Load the application as gunicorn does, and send it requests: `path`, and perhaps `method`, `headers`, `body`.

    With `broken` a request finds the bucket broken, which raises an error of that text.
    """
    environment = {
        **build_variables(APP), **os.environ,
        "TRACING_SAMPLE_PERCENT": percent, "AWS_ENDPOINT_URL_XRAY": xray, "LOG_LEVEL": "INFO",
        "DATABASE_NAME": connection.settings_dict["NAME"], "DATABASE_READER_NAME": connection.settings_dict["NAME"],
        **variables,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("web_process.py")), json.dumps(requests)],
        cwd=APP, env={**environment, "PYTHONPATH": str(APP)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    output, _, told = done.stdout.rstrip().rpartition("\n")
    answer = json.loads(told)
    return Asked(statuses=answer["statuses"], modules=set(answer["modules"]), output=output + done.stderr)
