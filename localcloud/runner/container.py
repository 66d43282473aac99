"""One started container: its health by its own check, its end by its own timeout."""

from __future__ import annotations

import signal
import subprocess
import time

from localcloud.emulator.ecs_reports import ContainerReport, HealthStatus
from localcloud.runner.definitions import ContainerDefinition, HealthCheck
from localcloud.runner.launch import Running

_OFTEN, _SELDOM, _YOUNG = 0.3, 1.0, 6.0
"""Seconds between two checks of a young container and of an older one, and how long it is young."""


class Container:
    """A running container and what is known of it. `reason` is for people: why it stopped, where that needs a word."""

    def __init__(self, definition: ContainerDefinition, running: Running) -> None:
        self.definition = definition
        self.running = running
        self.health: HealthStatus = "UNKNOWN"
        self.reason: str | None = None
        self._failures = 0
        self._last_failure = 0.0
        self._started = time.monotonic()
        self._next_check = self._started
        self._check: subprocess.Popen[bytes] | None = None
        self._check_deadline = 0.0

    @property
    def exit_code(self) -> int | None:
        return self.running.exit_code()

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
            self._judge(check, passed=code == 0)
            self._next_check = now + (check.interval if self.health == "HEALTHY" else self._pause(check, now))

    def _pause(self, check: HealthCheck, now: float) -> float:
        """Until the next check of a container that is not well yet: most come up within a second or two."""
        return min(check.interval, _OFTEN if now - self._started < _YOUNG else _SELDOM)

    def _begin_check(self, check: HealthCheck) -> None:
        kind, *words = check.command
        try:
            self._check = self.running.execute(words if kind == "CMD" else ["/bin/sh", "-c", " ".join(words)])
        except OSError:
            self._judge(check, passed=False)
            self._next_check = time.monotonic() + check.interval
            return
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

    def end(self) -> None:
        """SIGTERM, the stop timeout, then SIGKILL to all that is left of it."""
        self.running.signal(signal.SIGTERM)
        if not self.running.wait(self.definition.stop_timeout):
            self.reason = f"SIGTERM did not end it within {self.definition.stop_timeout:.0f} s: killed"
        self.kill()

    def kill(self) -> None:
        if self._check is not None:
            self._check.kill()
            self._check.wait()
            self._check = None
        self.running.kill()

    def report(self) -> ContainerReport:
        """Its state in ECS's terms."""
        code = self.exit_code
        return ContainerReport(
            name=self.definition.name,
            last_status="RUNNING" if code is None else "STOPPED",
            health_status=self.health,
            exit_code=code,
            reason=self.reason,
            runtime_id=self.running.id,
        )
