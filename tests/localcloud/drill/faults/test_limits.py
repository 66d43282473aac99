"""Limits that a drill sets on processes: they bite, and are taken back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from localcloud.drill.faults.fault import Scene
from localcloud.drill.faults.processes import no_more_descriptors, no_more_disk

_SCENE = cast(Scene, None)  # neither of them looks at it when what it hits is chosen already

_TRY = """
import sys
for line in sys.stdin:
    try:
        with open(sys.argv[1], "a") as file:
            file.write("a byte")
        print("written", flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
"""


class Task:
    """A process that tries to write to a file whenever it is asked."""

    def __init__(self, file: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _TRY, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def says(self) -> str:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("now\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@pytest.fixture
def task(tmp_path: Path) -> Iterator[Task]:
    task = Task(tmp_path / "file")
    yield task
    task.process.kill()
    task.process.communicate()


@pytest.mark.parametrize(
    ("limit", "error"), [(no_more_descriptors, "Too many open files"), (no_more_disk, "File too large")]
)
def test_a_limit_bites_until_it_is_taken_back(task: Task, limit: Any, error: str) -> None:
    assert task.says() == "written"
    fault = limit(lambda _: [psutil.Process(task.process.pid)])
    fault.make(_SCENE)
    assert task.says() == error
    fault.mend(_SCENE)
    assert task.says() == "written"
