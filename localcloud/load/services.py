"""The running tasks: how many there are, on which cores, and what they use."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psutil

from localcloud import aws, layout, outputs
from localcloud.console import LocalCloudError
from localcloud.drill.alarms.services import suspend_scaling
from localcloud.drill.platform import Platform
from localcloud.metrics import processes
from localcloud.metrics.processes import Usage

PATIENCE = 300.0
"""Seconds until as many tasks are healthy as there should be."""


def name_of(service: str) -> str:
    """The full name of the ECS service `web`, `worker` or `beat`."""
    return outputs.value(f"{service.capitalize()}ServiceName")


@contextmanager
def held(platform: Platform, *names: str) -> Iterator[None]:
    """Their policies do not scale these services meanwhile; in the end each has as many tasks as before."""
    before = {name: len(tasks(name)) for name in names}
    for name in names:
        suspend_scaling(platform, name, suspended=True)
    try:
        yield
    finally:
        for name in names:
            suspend_scaling(platform, name, suspended=False)
        for name, count in before.items():
            set_count(name, count)


def set_count(service: str, count: int) -> int:
    """Let so many tasks run, and wait until they are healthy; how many there were. Raises LocalCloudError."""
    cluster = outputs.find("ClusterName")
    ecs = aws.client("ecs", cluster.region)
    wanted = {"cluster": cluster.value, "service": name_of(service)}
    before = int(
        ecs.describe_services(cluster=cluster.value, services=[wanted["service"]])["services"][0]["desiredCount"]
    )
    ecs.update_service(**wanted, desiredCount=count)
    deadline = time.monotonic() + PATIENCE
    while True:
        running = tasks(service)
        if len(running) == count and all(task["health"] == "HEALTHY" for task in running):
            return before
        if time.monotonic() > deadline:
            raise LocalCloudError(f"{service}: {len(running)} tasks, not {count} healthy ones", remedy="make status")
        time.sleep(1)


def tasks(service: str) -> list[dict[str, Any]]:
    """Those that run, in the order of their ids."""
    try:
        found = json.loads((layout.home() / "runner" / "status.json").read_text())["tasks"]
    except (FileNotFoundError, json.JSONDecodeError):
        return []
    group = f"service:{name_of(service)}"
    return sorted((task for task in found if task["group"] == group), key=lambda task: str(task["id"]))


def roots(service: str) -> list[list[int]]:
    """The processes of each task's containers."""
    return [[int(part["pid"]) for part in task["containers"].values() if part["pid"]] for task in tasks(service)]


def pin(service: str, cores: Sequence[int]) -> None:
    """Each task to a core, as if it had a vCPU to itself: the first to the first, and so on, all threads included."""
    for number, pids in enumerate(roots(service)):
        core = {cores[number % len(cores)]}
        for pid in pids:
            with suppress(psutil.Error, OSError):
                for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
                    for thread in process.threads():
                        os.sched_setaffinity(thread.id, core)


def used(service: str) -> Usage | None:
    """Of all tasks of a service together."""
    return processes.usage(pid for pids in roots(service) for pid in pids)


def largest(service: str) -> int:
    """Bytes (proportional set size) of the service's largest task; 0 while none runs."""
    return max((task.memory for task in map(processes.usage, roots(service)) if task), default=0)
