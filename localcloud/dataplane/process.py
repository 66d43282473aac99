"""One server process: started, adopted after a crash of ours, restarted with back-off, stopped.

Servers outlive the data plane's own crash. Each leaves a record with its process id and start time, so the next data
plane takes it over when it was started with the same command, and replaces it otherwise: never two on one data folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from localcloud import layout
from localcloud.dataplane import paths
from localcloud.dataplane.errors import NotYetError, PartError

_log = logging.getLogger(__name__)

_LONGEST_DELAY = 30.0
_HOPELESS_DELAY = 1.0
"""Seconds of waiting from which on a server that ends again and again counts as failed, not as restarting."""

_STEADY = 60.0
"""Seconds of life after which the next restart is immediate again."""


class Server:
    """`name` is unique in the state folder; `stop_signal` asks for an orderly end, which may take `patience` seconds.

    Safe to use from one thread at a time.
    """

    def __init__(
        self, *, name: str, stop_signal: signal.Signals = signal.SIGTERM, patience: float = 10, log: Path | None = None
    ) -> None:
        self.name = name
        self.restarts = 0
        self.log = log or paths.log(name)
        self._stop_signal = stop_signal
        self._patience = patience
        self._process: psutil.Process | subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._delay = 0.0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def alive(self) -> bool:
        match self._process:
            case None:
                return False
            case subprocess.Popen() as child:
                return child.poll() is None
            case adopted:
                return adopted.is_running() and adopted.status() != psutil.STATUS_ZOMBIE

    def ensure(self, command: Sequence[str]) -> bool:
        """See to it that `command` runs; True when it was started just now.

        Raises NotYetError, from the second failure on PartError, with the end of its log while it waits to try again.
        """
        if self._process is None:
            self._adopt(command)
        if self.alive():
            if self._delay and time.monotonic() - self._started_at > _STEADY:
                self._delay = 0.0
            return False
        if self._process is not None:
            self._note_end()
        if time.monotonic() < self._started_at + self._delay:
            words = f"{self.name} ended; next try soon. Its last words:\n{paths.tail(self.log)}"
            raise NotYetError(words) if self._delay < _HOPELESS_DELAY else PartError(words)
        self._start(command)
        return True

    def stop(self) -> None:
        """Ask for an orderly end and wait for it; kill what does not end in time."""
        process, self._process = self._process, None
        self._delay = 0.0
        if process is not None:
            _end(psutil_process(process.pid), self._stop_signal, self._patience)
            if isinstance(process, subprocess.Popen):
                process.wait()
        self._record.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it and all that it started at once, even where it is frozen; nothing is said or written any more."""
        process, self._process = self._process, None
        self._delay = 0.0
        first = psutil_process(process.pid) if process is not None else None
        family = [first, *first.children(recursive=True)] if first else []
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        if isinstance(process, subprocess.Popen):
            process.wait()
        self._record.unlink(missing_ok=True)

    def stop_leftover(self) -> None:
        """Stop a process that an earlier data plane left under this name."""
        if self._process is None:
            found = self._recorded()
            if found:
                _end(found[0], self._stop_signal, self._patience)
        self._record.unlink(missing_ok=True)

    @property
    def _record(self) -> Path:
        return layout.folder("dataplane") / f"{self.name}.pid"

    def _adopt(self, command: Sequence[str]) -> None:
        found = self._recorded()
        if found is None:
            return
        process, digest = found
        if digest == _digest(command):
            _log.info("%s: took over process %d", self.name, process.pid)
            self._process = process
            self._started_at = time.monotonic()
        else:
            _log.info("%s: replacing process %d, whose command is another", self.name, process.pid)
            _end(process, self._stop_signal, self._patience)
            self._record.unlink(missing_ok=True)

    def _recorded(self) -> tuple[psutil.Process, str] | None:
        """The process an earlier data plane noted, if it still is that one, and the digest of its command."""
        try:
            noted = json.loads(self._record.read_text())
            process = psutil.Process(noted["pid"])
            # A process is its number and the time it started at; numbers alone are used again.
            same = abs(process.create_time() - noted["created"]) < 1
        except (FileNotFoundError, json.JSONDecodeError, psutil.Error):
            return None
        return (process, noted["digest"]) if same else None

    def _start(self, command: Sequence[str]) -> None:
        for process in _twins(command):
            # Left by a data plane whose record is lost: never two servers on one data folder.
            _log.warning("%s: ending process %d, which nobody noted", self.name, process.pid)
            _end(process, self._stop_signal, self._patience)
        self._delay = min(self._delay * 2 or 0.5, _LONGEST_DELAY)
        self._started_at = time.monotonic()
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env=environment(),
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
        self._process = child
        noted = {"pid": child.pid, "created": psutil.Process(child.pid).create_time(), "digest": _digest(command)}
        layout.write_private(self._record, json.dumps(noted))
        _log.info("%s: started process %d", self.name, child.pid)

    def _note_end(self) -> None:
        self.restarts += 1
        code = self._process.returncode if isinstance(self._process, subprocess.Popen) else "unknown"
        _log.warning("%s: process ended, exit code %s; restart %d", self.name, code, self.restarts)
        self._process = None


def environment() -> dict[str, str]:
    """The servers' environment: no credentials, no settings of the caller."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        layout.MARKER: str(layout.home()),
    }


def psutil_process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def _digest(command: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(command).encode()).hexdigest()


def _twins(command: Sequence[str]) -> list[psutil.Process]:
    """Processes with the same command line; a leading `unshare …` is gone from a process that runs."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if len(line) > 1 and list(command[-len(line) :]) == line:
            found.append(process)
    return found


def _end(process: psutil.Process | None, number: signal.Signals, patience: float) -> None:
    if process is None:
        return
    try:
        process.send_signal(number)
        try:
            process.wait(timeout=patience)
        except psutil.TimeoutExpired:
            _log.warning("process %d did not end within %.0f s: killed", process.pid, patience)
            process.kill()
            process.wait(timeout=5)
    except psutil.NoSuchProcess:
        return
