"""One whole local cloud for this folder: its own folder, its own ports, started and stopped by the real commands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud import commands, demo

BASE_PORT = "28500"  # below the ports that the kernel gives to outgoing connections (32768 and up)


def localcloud(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line of the local cloud as a person would."""
    return subprocess.run([sys.executable, "-m", "localcloud", *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of a running local cloud with the dev stacks deployed."""
    home = tmp_path_factory.mktemp("cloud") / "home"
    os.environ.update(LOCALCLOUD_HOME=str(home), LOCALCLOUD_BASE_PORT=BASE_PORT)
    started = localcloud("up", "--env", "dev")
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        yield home
    finally:
        stopped = localcloud("down")
        for name in ("LOCALCLOUD_HOME", "LOCALCLOUD_BASE_PORT"):
            os.environ.pop(name)
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr


@pytest.fixture(scope="package")
def client(cloud: Path) -> demo.Client:
    """The demo user, logged in."""
    return demo.Client(commands.web_url(), demo.user())


@pytest.fixture(scope="package")
def stranger(cloud: Path) -> demo.Client:
    """Another user."""
    return demo.Client(
        commands.web_url(), demo.DemoUser(email="stranger@example.com", password="correct horse battery")
    )
