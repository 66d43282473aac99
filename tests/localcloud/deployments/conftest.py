"""A local cloud of emulator, task runner and data plane, and a shop that is deployed to it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from localcloud import aws, layout
from tests.localcloud.runner.conftest import REGION, eventually

BASE_PORT = 23500


@dataclass
class Cloud:
    """The processes of a local cloud, which a test may kill and start again."""

    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, *names: str) -> None:
        home = str(layout.home())
        for name in names:
            log = (layout.folder("logs") / f"{name}.log").open("ab")
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", f"localcloud.{name}"],
                env={**os.environ, layout.MARKER: home},
                cwd=layout.REPOSITORY,
                stdout=log,
                stderr=log,
            )

    def kill(self, *names: str) -> None:
        for name in names:
            self.processes[name].kill()
            self.processes[name].wait()

    def answers(self) -> None:
        """Wait for the emulator."""

        def look() -> bool:
            try:
                return bool(aws.client("sts", REGION).get_caller_identity())
            except Exception:  # noqa: BLE001  (whatever it is, not yet)
                return False

        eventually(look, within=30)

    def stop(self) -> None:
        for name in ("runner", "dataplane"):
            self.processes[name].send_signal(signal.SIGTERM)
        for name in ("runner", "dataplane"):
            self.processes[name].wait(60)
        self.kill("emulator")  # it would wait for this process to close its connections


@pytest.fixture(scope="package")
def cloud() -> Iterator[Cloud]:
    before = {name: os.environ.get(name) for name in ("LOCALCLOUD_HOME", "LOCALCLOUD_BASE_PORT")}
    folder = Path(tempfile.mkdtemp(prefix="deployments-")).resolve()
    base = os.environ.get("LOCALCLOUD_TEST_BASE_PORT", str(BASE_PORT))
    os.environ.update(LOCALCLOUD_HOME=str(folder / "home"), LOCALCLOUD_BASE_PORT=base)
    aws.client.cache_clear()
    made = Cloud()
    try:
        made.start("emulator")
        made.answers()
        made.start("dataplane", "runner")
        yield made
    finally:
        made.stop()
        for name in made.processes:  # shown where a test failed
            print(f"--- {name}", *(layout.folder("logs") / f"{name}.log").read_text().splitlines()[-40:], sep="\n")
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        aws.client.cache_clear()
        shutil.rmtree(folder)
