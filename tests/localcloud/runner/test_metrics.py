"""What a running task uses, as data of its service."""

from __future__ import annotations

import time

import psutil
import pytest

from localcloud.metrics.sources import tasks
from localcloud.metrics.sources.tasks import Tasks
from tests.localcloud.metrics.support import values

from .conftest import Stage, eventually

BURN = """
    import subprocess, sys, time
    subprocess.run([sys.executable, "-c", "import time\\nwhile time.process_time() < 1: pass"])
    held = b"x" * 100_000_000
    print("burnt", flush=True)
    time.sleep(600)
"""


def test_a_tasks_processes_are_its_services_utilization(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_LEAST_SECONDS", 0.5)
    source = Tasks()
    source.sample()
    service = stage.serve(stage.define(stage.container(BURN)))
    names = {"ClusterName": stage.cluster, "ServiceName": service}
    task = eventually(lambda: next((t for t in stage.tasks(service) if "burnt" in stage.log(t)), None))
    assert task
    began = psutil.Process(int(task["containers"][0]["runtimeId"])).create_time()
    data = [datum for found in source.finish(0) for datum in found]
    lived = time.time() - began
    (processor,) = values(data, "CPUUtilization", **names)
    (memory,) = values(data, "MemoryUtilization", **names)
    quarter_of_a_core = 0.25
    assert 0.9 <= processor / 100 * quarter_of_a_core * lived < 3  # the child's second, and little else
    assert 100_000_000 / 512 / 1024**2 <= memory / 100 < 0.5
    # Since that look it sleeps.
    time.sleep(1)
    (processor,) = values([datum for found in source.finish(0) for datum in found], "CPUUtilization", **names)
    assert processor < 50
    stage.remove(service)
    eventually(lambda: not stage.tasks(service))
    assert not values([datum for found in source.finish(0) for datum in found], "CPUUtilization", **names)
