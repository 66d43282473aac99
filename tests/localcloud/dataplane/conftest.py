"""State folders and help for tests of real servers."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import psutil
import pytest


def _free_block() -> int:
    """Below the ports that the kernel hands out; another block for each of two runs at the same time, and none that a
    local cloud has."""
    for number in range(16):
        base = 15500 + (os.getpid() + number) % 16 * 500
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", base + 66)):
                return base
    raise AssertionError("no block of ports is free")


BASE_PORT = _free_block()

Found = TypeVar("Found")


def eventually(look: Callable[[], Found], *, within: float = 10, period: float = 0.05) -> Found:
    """The first truthy value of `look`; the last error or value fails the test when time is over."""
    deadline = time.monotonic() + within
    while True:
        try:
            found = look()
            if found:
                return found
        except Exception:
            if time.monotonic() > deadline:
                raise
        else:
            assert time.monotonic() < deadline, f"still {found!r} after {within} s"
        time.sleep(period)


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """A state folder for all tests of a module, and ports of its own."""
    before = {name: os.environ.get(name) for name in ("LOCALCLOUD_HOME", "LOCALCLOUD_BASE_PORT")}
    folder = Path(tempfile.mkdtemp(prefix="dataplane-")).resolve()
    os.environ.update(LOCALCLOUD_HOME=str(folder / "home"), LOCALCLOUD_BASE_PORT=str(BASE_PORT))
    yield folder / "home"
    for name, value in before.items():
        if value is None:
            os.environ.pop(name)
        else:
            os.environ[name] = value
    shutil.rmtree(folder)


def command(process: psutil.Process) -> list[str]:
    """Its words; none of a process that has ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def processes_of(folder: Path) -> list[psutil.Process]:
    """Those whose command names the folder."""
    return [process for process in psutil.process_iter() if str(folder) in " ".join(command(process))]
