"""A container's output: to a file for people, and to CloudWatch Logs with the execution role's rights."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import layout

BATCH = 500
"""Events a call; CloudWatch Logs takes up to 10,000 (PutLogEvents)."""

LOG_LIMIT = 20 * 1024**2
"""Bytes after which the file is put aside; one old one is kept."""

LONGEST_EVENT = 200_000
"""Characters; CloudWatch Logs takes 262,144 bytes an event."""

KEPT = 20
"""Tasks of one service whose log files are kept."""


def folder(group: str, task_id: str) -> Path:
    """Where a task's log files are; makes room for it among its service's earlier ones."""
    service = layout.folder("logs", "tasks", group.partition(":")[2] or group)
    if not (service / task_id).exists():
        earlier = sorted((path for path in service.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
        for path in earlier[: max(0, len(earlier) + 1 - KEPT)]:
            shutil.rmtree(path, ignore_errors=True)
    return layout.folder("logs", "tasks", service.name, task_id)


class LogStream:
    """Reads a pipe to its end. Lines reach the file at once, CloudWatch Logs within a second.

    The file keeps everything; when the API does not answer, what would be sent is dropped rather than kept for ever.
    """

    def __init__(self, pipe: IO[bytes], *, file: Path, client: Any = None, group: str = "", stream: str = "") -> None:
        self._pipe = pipe
        self._file = file
        self._client = client
        self._group = group
        self._stream = stream
        self._lock = threading.Lock()
        self._waiting: list[dict[str, Any]] = []
        self._last: list[str] = []
        self._done = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._sender = threading.Thread(target=self._send, daemon=True)
        self._reader.start()
        if client:
            self._sender.start()

    def last_words(self) -> str:
        """The last lines, for a stop reason."""
        with self._lock:
            return " | ".join(self._last)

    def finish(self, *, patience: float = 3) -> None:
        """Wait until the pipe is at its end and everything is sent, or for `patience` seconds."""
        self._reader.join(patience)
        self._done.set()
        if self._client:
            self._sender.join(patience)

    def _read(self) -> None:
        output = self._file.open("ab", buffering=0)
        with self._pipe:
            for line in iter(self._pipe.readline, b""):
                output.write(line)
                if output.tell() > LOG_LIMIT:
                    output.close()
                    self._file.replace(self._file.with_suffix(".log.1"))
                    output = self._file.open("ab", buffering=0)
                text = line.decode(errors="replace").rstrip("\n")[:LONGEST_EVENT]
                with self._lock:
                    self._last = [*self._last[-2:], text[:300]]
                    if self._client and text:
                        self._waiting.append({"timestamp": int(time.time() * 1000), "message": text})
        output.close()
        self._done.set()

    def _send(self) -> None:
        while True:
            ended = self._done.wait(1)
            while True:
                with self._lock:
                    batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                if not batch:
                    break
                try:
                    self._client.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=batch)
                except (ClientError, BotoCoreError):
                    break
            if ended:
                return
