"""Celery workers as the task definition starts them, in processes of their own, to be watched and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

APP = Path(__file__).resolve().parents[3] / "app_src"


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One worker and its child, in a session of their own."""

    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """SIGKILL to both: neither gets to say or do anything."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def build_variables(application: Path) -> dict[str, str]:
    """Every variable that a release's settings ask for, with a harmless value."""
    lines = (application / "build.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


@contextmanager
def worker(
    folder: Path,
    name: str = "worker",
    *,
    application: Path = APP,
    arguments: Sequence[str] = ("-m", "spendsmart.worker"),
    **variables: str,
) -> Iterator[Worker]:
    """A worker on the test's database; dead when the block ends. `application` may be another release's app_src."""
    scratch = folder / name
    scratch.mkdir(exist_ok=True)
    environment = {
        **build_variables(application), **os.environ,
        "SCRATCH_DIR": str(scratch), "LOG_LEVEL": "INFO", "WORKER_CONCURRENCY": "1",
        "DATABASE_NAME": connection.settings_dict["NAME"], "DATABASE_READER_NAME": connection.settings_dict["NAME"],
        **variables,
    }  # fmt: skip
    with (scratch / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=application, env=environment, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    running = Worker(process=process, log=scratch / "log")
    try:
        yield running
    finally:
        if process.poll() is None:
            running.kill()


def until(
    condition: Callable[[], object], *, patience: float = 90, every: float = 0.1, among: tuple[Worker, ...] = ()
) -> None:
    """Wait for something to come true; says what the workers logged when it does not."""
    deadline = time.monotonic() + patience
    while not condition():
        logs = "\n".join(one.log.read_text()[-3000:] for one in among)
        assert time.monotonic() < deadline, f"it did not happen\n{logs}"
        assert all(one.process.poll() is None for one in among), f"a worker ended by itself\n{logs}"
        time.sleep(every)
