"""OpenAI's files and batches: a batch stands still until the test lets it go on."""

from __future__ import annotations

import email.parser
import email.policy
import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localcloud.openai_server.server import OpenAIServer, Received, Reply


@dataclass(kw_only=True)
class FakeBatch:
    """One batch as OpenAI keeps it."""

    id: str
    input_file_id: str
    metadata: dict[str, str]
    created_at: int
    status: str = "in_progress"
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: list[dict[str, str]] = field(default_factory=list)

    def body(self) -> dict[str, Any]:
        errors = {"object": "list", "data": self.errors} if self.errors else None
        return {
            "id": self.id, "object": "batch", "endpoint": "/v1/responses", "completion_window": "24h",
            "input_file_id": self.input_file_id, "metadata": self.metadata, "created_at": self.created_at,
            "status": self.status, "output_file_id": self.output_file_id, "error_file_id": self.error_file_id,
            "errors": errors,
        }  # fmt: skip


class Batches:
    """Adds `/v1/files` and `/v1/batches` to a server.

    `before` is called with each request first; a Reply that it returns is the answer. `bill` holds what each request
    of a batch was billed for, by its custom_id.
    """

    def __init__(self, server: OpenAIServer) -> None:
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, FakeBatch] = {}
        self.bill: dict[str, dict[str, Any]] = {}
        self.before: Callable[[Received], Reply | None] = lambda _request: None
        self._lock = threading.Lock()
        server.subtree = self._answer

    def requests(self, batch: FakeBatch) -> list[dict[str, Any]]:
        """The lines of the batch's input."""
        return [json.loads(line) for line in self.files[batch.input_file_id].splitlines()]

    def finish(
        self,
        batch: FakeBatch,
        answer: Callable[[dict[str, Any]], bytes | int | None],
        *,
        status: str = "completed",
        mangle: Callable[[bytes], bytes] = lambda output: output,
    ) -> None:
        """End a batch: for each request the body of a response, which is billed, or a status, or None: not done."""
        output, errors = [], []
        for request in self.requests(batch):
            told = answer(request)
            line: dict[str, Any] = {"id": f"batch_req_{uuid.uuid4().hex}", "custom_id": request["custom_id"]}
            if told is None:
                code = {"code": f"batch_{status}", "message": "This request was not done."}
                errors.append(line | {"response": None, "error": code})
            elif isinstance(told, int):
                response = {"status_code": told, "request_id": "req_x", "body": {"error": {"message": "no"}}}
                errors.append(line | {"response": response, "error": None})
            else:
                body = json.loads(told)
                if request["custom_id"] in self.bill:
                    raise ValueError(f"{request['custom_id']} is billed twice")
                self.bill[request["custom_id"]] = {**body["usage"], "model": request["body"]["model"]}
                response = {"status_code": 200, "request_id": f"req_{uuid.uuid4().hex}", "body": body}
                output.append(line | {"response": response, "error": None})
        batch.output_file_id = self._store(mangle(_lines(output))) if output else None
        batch.error_file_id = self._store(_lines(errors)) if errors else None
        batch.status = status

    def _store(self, content: bytes) -> str:
        name = f"file-{uuid.uuid4().hex}"
        self.files[name] = content
        return name

    def _answer(self, request: Received) -> Reply | None:
        kind, _, rest = request.path.removeprefix("/v1/").partition("?")[0].partition("/")
        if kind not in ("files", "batches"):
            return None
        told = self.before(request)
        if told is not None:
            return told
        with self._lock:
            return self._file(request, rest) if kind == "files" else self._batch(request, rest)

    def _file(self, request: Received, rest: str) -> Reply:
        if request.method == "POST":
            name = self._store(_uploaded(request))
            return _json({
                "id": name, "object": "file", "bytes": len(self.files[name]), "created_at": 1, "filename": "b.jsonl",
                "purpose": "batch", "status": "processed",
            })  # fmt: skip
        name, _, content = rest.partition("/")
        if name not in self.files:
            return _missing()
        if request.method == "DELETE":
            del self.files[name]
            return _json({"id": name, "object": "file", "deleted": True})
        if content != "content":
            return _missing()
        return Reply(body=self.files[name], headers={"Content-Type": "application/octet-stream"})

    def _batch(self, request: Received, rest: str) -> Reply:
        if request.method == "POST" and not rest:
            if request.body["input_file_id"] not in self.files:
                return _missing()
            made = FakeBatch(
                id=f"batch_{uuid.uuid4().hex}", input_file_id=request.body["input_file_id"],
                metadata=request.body["metadata"], created_at=int(time.time()),
            )  # fmt: skip
            self.batches[made.id] = made
            return _json(made.body())
        if not rest:
            newest = [batch.body() for batch in reversed(self.batches.values())]
            return _json({"object": "list", "data": newest, "has_more": False})
        name, _, action = rest.partition("/")
        if name not in self.batches:
            return _missing()
        if action == "cancel":
            self.batches[name].status = "cancelling"
        return _json(self.batches[name].body())


def _json(body: dict[str, Any]) -> Reply:
    return Reply(body=json.dumps(body).encode())


def _missing() -> Reply:
    return Reply(status=404, body=b'{"error": {"message": "no such object", "code": "not_found"}}')


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _uploaded(request: Received) -> bytes:
    """The file in a multipart form."""
    head = f"Content-Type: {request.content_type}\r\n\r\n".encode()
    form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.raw)
    (file,) = [part for part in form.iter_parts() if part.get_filename()]
    content = file.get_payload(decode=True)
    if not isinstance(content, bytes):
        raise TypeError("the form's file is no file")
    return content
