"""As much of GitHub's REST API as previews use, on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "example/spendsmart-platform"
TOKEN = "a-token"


@dataclass
class Repository:
    """`pulls` by number; comments of all pull requests in one list, the oldest first."""

    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    url: str = ""

    def open(self, number: int, branch: str, *, home: str | None = REPOSITORY, **more: Any) -> None:
        self.pulls[number] = {
            "number": number,
            "state": "open",
            "merged_at": None,
            "user": {"login": "ada"},
            "head": {"ref": branch, "sha": "0123456789abcdef", "repo": {"full_name": home} if home else None},
            "labels": [],
            **more,
        }

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        self.calls.append(f"{method} {path}")
        parts = path.removeprefix(f"/repos/{REPOSITORY}").strip("/").split("/")
        match (method, *parts):
            case ("GET", ""):
                return 200, {"private": True}
            case ("GET", "pulls"):
                # As GitHub does: the newest first, and what it does not understand in `head` filters nothing.
                return 200, [pull for pull in reversed(self.pulls.values()) if pull["state"] == "open"]
            case ("GET", "pulls", number) if int(number) in self.pulls:
                return 200, self.pulls[int(number)]
            case ("GET", "issues", number, "comments"):
                own = [each for each in self.comments if each["issue"] == int(number)]
                size, page = int(query["per_page"][0]), int(query["page"][0])
                return 200, own[(page - 1) * size : page * size]
            case ("POST", "issues", number, "comments"):
                made = {"id": len(self.comments), "issue": int(number), "html_url": f"#{len(self.comments)}", **body}
                self.comments.append(made)
                return 201, made
            case ("PATCH", "issues", "comments", number):
                self.comments[int(number)] |= body
                return 200, self.comments[int(number)]
        return 404, {"message": "Not Found"}


@contextmanager
def served(repository: Repository) -> Iterator[str]:
    """The address at which it answers, to whoever has the token."""

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            parts = urlsplit(self.path)
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                status, said = 401, {"message": "Bad credentials"}
            else:
                status, said = repository.answer(self.command, parts.path, parse_qs(parts.query), body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        do_GET = do_POST = do_PATCH = _handle  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
