"""One container as a process of this machine.

What a container gives beyond a process is only partly there: its environment is the task definition's alone, it runs
as the user that the definition names (as root: in a user namespace), its memory is watched. Its root file system is
not read-only and it shares the machine's network: RUNTIME=docker gives those.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from localcloud import layout
from localcloud.images import Image
from localcloud.runner.definitions import ContainerDefinition, HealthCheck

PATH = os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"])
TASK_MARKER = "LOCALCLOUD_TASK"
"""A variable that tells a task's processes from all others; holds the task's id."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """All that is needed to start one container."""

    definition: ContainerDefinition
    image: Image
    environment: dict[str, str]


class Container:
    """A started container."""

    def __init__(self, launch: Launch) -> None:
        self.definition = launch.definition
        self.launch = launch
        self.health = "UNKNOWN"
        self.oom = False
        self._failures = 0
        self._last_failure = 0.0
        self._started = time.monotonic()
        self._next_check = self._started
        self._check: subprocess.Popen[bytes] | None = None
        self._check_deadline = 0.0
        self.process = subprocess.Popen(
            self._as_user(_command(launch)),
            cwd=launch.image.folder,
            env=launch.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _as_user(self, command: list[str]) -> list[str]:
        user = self.definition.user.partition(":")[0]
        if os.geteuid() != 0 or user in {"", "0", "root"} or not user.isdigit():
            return command
        return ["unshare", "--user", f"--map-user={user}", f"--map-group={user}", "--", *command]

    @property
    def exit_code(self) -> int | None:
        """As Docker tells it: 128 + number for a signal; None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        return 128 - code if code < 0 else code

    def memory(self) -> int:
        """Bytes of the process and its descendants, shared pages counted once for each."""
        try:
            own = psutil.Process(self.process.pid)
            return sum(p.memory_info().rss for p in [own, *own.children(recursive=True)])
        except psutil.Error:
            return 0

    def check_health(self) -> None:
        """One turn of the container's own health check; never waits."""
        check = self.definition.health_check
        now = time.monotonic()
        if check is None or self.exit_code is not None:
            return
        if self._check is None:
            if now >= self._next_check:
                self._begin_check(check)
            return
        code = self._check.poll()
        if code is None and now > self._check_deadline:
            self._check.kill()
            self._check.wait()
            code = 1
        if code is not None:
            self._check = None
            self._next_check = now + (check.interval if self.health == "HEALTHY" else min(check.interval, 1.0))
            self._judge(check, passed=code == 0)

    def _begin_check(self, check: HealthCheck) -> None:
        command = ["/bin/sh", "-c", " ".join(check.command[1:])]
        if check.command[0] == "CMD":
            command = list(check.command[1:])
        self._check = subprocess.Popen(
            self._as_user(command),
            cwd=self.launch.image.folder,
            env=self.launch.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._check_deadline = time.monotonic() + check.timeout

    def _judge(self, check: HealthCheck, *, passed: bool) -> None:
        if passed:
            self.health, self._failures = "HEALTHY", 0
            return
        # Failures in the start period do not count; success ends it early.
        if self.health == "UNKNOWN" and time.monotonic() - self._started < check.start_period:
            return
        # Checked more often than asked for until it is well, so that a start is seen soon; counted as asked for.
        if self._failures and time.monotonic() - self._last_failure < check.interval:
            return
        self._last_failure = time.monotonic()
        self._failures += 1
        if self._failures >= check.retries:
            self.health = "UNHEALTHY"

    def send(self, number: signal.Signals) -> None:
        """Signal the container's first process, as Docker does."""
        if self.process.poll() is None:
            self.process.send_signal(number)

    def end(self) -> None:
        """SIGTERM, the stop timeout, then SIGKILL to all that is left of it."""
        self.send(signal.SIGTERM)
        try:
            self.process.wait(self.definition.stop_timeout)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _command(launch: Launch) -> list[str]:
    """Entry point and command: a task definition's go before the image's."""
    definition, image = launch.definition, launch.image
    entry_point = definition.entry_point if definition.entry_point is not None else image.entry_point
    command = definition.command
    if command is None:
        # Docker forgets the image's command when the entry point is replaced.
        command = image.command if definition.entry_point is None else ()
    return [*entry_point, *command]


def base_environment(*, task_id: str, folder: Path) -> dict[str, str]:
    """Where programs are, a home, and the marks by which strays are found: all that a process gets from us."""
    return {
        "PATH": PATH,
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "LOCALCLOUD_HOME": str(layout.home()),
        TASK_MARKER: task_id,
    }
