"""A server process of ours: started, watched, restarted with growing pauses, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from localcloud import layout

LOG_LIMIT = 20 * 1024**2
"""Bytes after which a log is put aside at the next start; one old one is kept."""

LONGEST_PAUSE = 30.0
"""Seconds between two starts of a server that keeps dying."""

STEADY = 60.0
"""Seconds after which a server counts as well, and its next death is its first again."""


def unprivileged(command: Sequence[str]) -> list[str]:
    """The command as an ordinary user's: PostgreSQL refuses root (docs/adr/0004).

    The user is `nobody`, since initdb wants a user id that has a name.
    """
    if os.geteuid() != 0:
        return list(command)
    return ["unshare", "--user", "--map-user=65534", "--map-group=65534", "--", *command]


class ServerProcess:
    """One child, by its part's name: `rds-primary`, `elasticache-broker`, `envoy`."""

    def __init__(self, part: str, *, stop_signal: signal.Signals = signal.SIGTERM, patience: float = 20) -> None:
        self.part = part
        self.restarts = 0
        self._stop_signal = stop_signal
        self._patience = patience
        self._child: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._not_before = 0.0
        self._deaths = 0

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child and self._child.poll() is None else None

    @property
    def log(self) -> Path:
        return layout.folder("logs") / f"{self.part}.log"

    def alive(self) -> bool:
        return self.pid is not None

    def may_start(self) -> bool:
        """Whether the pause after the last death is over. Also the place where a death is noticed."""
        if self._child and self._child.poll() is not None:
            lived = time.monotonic() - self._started
            self._deaths = 1 if lived > STEADY else self._deaths + 1
            self._not_before = time.monotonic() + min(2.0 ** (self._deaths - 2), LONGEST_PAUSE)
            self.restarts += 1
            self._child = None
        return self._child is None and time.monotonic() >= self._not_before

    def start(self, command: Sequence[str]) -> None:
        """Start the child, ending first whatever an earlier controller left under the same part's name."""
        self.end_leftovers()
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "LOCALCLOUD_HOME": str(layout.home()),
            "LOCALCLOUD_PART": self.part,
        }
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        self._started = time.monotonic()

    def end_leftovers(self) -> None:
        """A controller that was killed leaves its children: two servers on one data folder would ruin it."""
        home = str(layout.home())
        found = []
        for process in psutil.process_iter():
            if process.pid == self.pid:
                continue
            try:
                variables = process.environ()
            except psutil.Error:
                continue
            if variables.get("LOCALCLOUD_HOME") == home and variables.get("LOCALCLOUD_PART") == self.part:
                found.append(process)
        for process in found:
            process.send_signal(self._stop_signal)
        _, stubborn = psutil.wait_procs(found, timeout=self._patience)
        for process in stubborn:
            process.kill()
        psutil.wait_procs(stubborn, timeout=5)

    def signal(self, number: signal.Signals) -> None:
        if self._child and self._child.poll() is None:
            self._child.send_signal(number)

    def stop(self) -> None:
        """Stop the child; killed when it does not stop within its patience."""
        if not self._child:
            return
        self.signal(self._stop_signal)
        try:
            self._child.wait(self._patience)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child = None

    def last_words(self, lines: int = 3) -> str:
        """The end of the log, for messages."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 4096))
            text = file.read().decode(errors="replace")
        return " | ".join(text.strip().splitlines()[-lines:])
