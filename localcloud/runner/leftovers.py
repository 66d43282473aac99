"""A runner that was killed leaves its tasks running. Their output has no reader any more, so the next one ends them.

What runs is written down in home/runner/tasks/<task id>.json as soon as it runs.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil

from localcloud import layout
from localcloud.runner.launch import Running, Runtime


def _file(task_id: str) -> Path:
    return layout.folder("runner", "tasks") / f"{task_id}.json"


def remember(task_id: str, ports: Mapping[int, int], containers: Iterable[Running]) -> None:
    """Write down a task's containers and ports, anew whenever one is added."""
    record = {
        "ports": list(ports),
        "containers": [{"id": each.id, "pid": each.pid, "started": _started(each.pid)} for each in containers],
    }
    layout.write_private(_file(task_id), json.dumps(record))


def forget(task_id: str) -> None:
    _file(task_id).unlink(missing_ok=True)


def clear(runtime: Runtime) -> int:
    """End every container of an earlier runner and give back its ports and folders; how many processes ended."""
    folder = layout.folder("runner", "tasks")
    records: dict[str, Any] = {}
    for file in folder.glob("*.json"):
        try:
            records[file.stem] = json.loads(file.read_text())
        except json.JSONDecodeError:
            records[file.stem] = {"ports": [], "containers": []}
    ended = runtime.end_leftovers([each for record in records.values() for each in record["containers"]])
    for task_id, record in records.items():
        for port in record["ports"]:
            layout.release_port("task", f"{task_id}:{port}")
        forget(task_id)
    for path in folder.iterdir():
        shutil.rmtree(path, ignore_errors=True)
    return ended


def _started(pid: int) -> float:
    """Seconds since the epoch; 0 when it has ended already."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0
