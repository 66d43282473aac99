from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from localcloud import layout, strays

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)
WILLING = "import time; print('ready', flush=True); time.sleep(60)"


@pytest.fixture
def start(home: Path) -> Iterator[object]:
    started: list[subprocess.Popen[str]] = []

    def begin(code: str, *, marked: bool = True) -> subprocess.Popen[str]:
        # A person may well have LOCALCLOUD_HOME set in the shell they work in: that alone makes no process ours.
        environment = {**os.environ, "LOCALCLOUD_HOME": str(home.resolve())}
        if marked:
            environment[layout.MARKER] = str(home.resolve())
        process = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_only_processes_of_this_local_cloud_are_found(start) -> None:
    ours, others = start(WILLING), start(WILLING, marked=False)
    found = {process.pid for process in strays.find()}
    assert ours.pid in found
    assert others.pid not in found


def test_a_willing_process_ends_without_being_killed(start) -> None:
    process = start(WILLING)
    assert strays.end(strays.find(), patience=10) == []
    assert strays.find() == []
    assert not psutil.pid_exists(process.pid)


def test_a_process_that_ignores_the_signal_is_killed(start) -> None:
    process = start(STUBBORN)
    assert [killed.pid for killed in strays.end(strays.find(), patience=0.3)] == [process.pid]
    assert not psutil.pid_exists(process.pid)
