"""A small server that speaks OpenAI's Responses API over HTTP on this machine, with scripted faults."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FIELDS: dict[str, Any] = {
    "is_receipt": True, "merchant": "Corner Bean Coffee", "address": None, "purchased_on": "2026-03-14",
    "currency": "USD", "subtotal": "15.75", "tax": "1.42", "tip": None, "total": "17.17", "payment": "card",
    "items": [{"description": "Flat White", "quantity": "2", "unit_price": "4.50", "price": "9.00"},
              {"description": "Almond Croissant", "quantity": None, "unit_price": None, "price": "4.25"},
              {"description": "Sparkling Water", "quantity": "1", "unit_price": "2.50", "price": "2.50"}],
    "category": "restaurants",
    "confidence": {"merchant": 0.98, "purchased_on": 0.97, "total": 1.2, "category": 0.9},
    "text": "Corner Bean Coffee\nTotal $17.17",
}  # fmt: skip


def answer(content: dict[str, Any], **overrides: Any) -> bytes:
    """A whole response object with one message in it."""
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [content]}
    return json.dumps({
        "id": "resp_1", "object": "response", "created_at": 1, "model": "test", "status": "completed", "error": None,
        "incomplete_details": None, "instructions": None, "metadata": {}, "parallel_tool_calls": True, "tools": [],
        "tool_choice": "auto", "temperature": 1, "top_p": 1,
        "output": [message],
        "usage": {"input_tokens": 1000, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 200,
                  "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 1200},
    } | overrides).encode()  # fmt: skip


def text(value: str) -> dict[str, Any]:
    """An output_text part."""
    return {"type": "output_text", "text": value, "annotations": [], "logprobs": []}


def fields(**changes: Any) -> bytes:
    """A good answer with some fields changed."""
    return answer(text(json.dumps(FIELDS | changes)))


@dataclass
class Scripted:
    """What to answer next, and what was asked."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    cut_after: int | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""


@contextmanager
def serve() -> Iterator[Scripted]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            script.requests.append({"path": self.path, "authorization": self.headers["Authorization"], "body": body})
            time.sleep(script.delay_seconds)
            self.send_response(script.status)
            for name, value in ({"Content-Type": "application/json"} | script.headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(script.body)))
            self.end_headers()
            self.wfile.write(script.body[: script.cut_after])
            self.close_connection = True

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
