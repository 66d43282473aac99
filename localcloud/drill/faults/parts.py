"""The processes of the running platform, by what they are."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil

from localcloud import layout, outputs, supervision
from localcloud.console import LocalCloudError
from localcloud.drill.platform import Platform


@dataclass(frozen=True, kw_only=True)
class Task:
    """A running ECS task: the first process of each of its containers, and its zone."""

    id: str
    service: str
    zone: str
    containers: dict[str, int]


def tasks(platform: Platform, service: str) -> list[Task]:
    """Running tasks of the service `web`, `worker` or `beat`, or of all of them when that is empty."""
    cluster, ecs = platform.cluster, platform.client("ecs")
    wanted = (service,) if service else ("web", "worker", "beat")
    pids = {task["id"]: task["containers"] for task in runner()["tasks"]}
    found = []
    for name in wanted:
        arns = ecs.list_tasks(cluster=cluster, serviceName=platform.service(name), desiredStatus="RUNNING")["taskArns"]
        for task in ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []:
            known = task["taskArn"].rsplit("/", 1)[-1]
            containers = {one: int(each["pid"]) for one, each in pids.get(known, {}).items()}
            if task["lastStatus"] == "RUNNING" and containers:
                found.append(Task(id=known, service=name, zone=task["availabilityZone"], containers=containers))
    return sorted(found, key=lambda task: task.id)


def runner() -> Any:
    """What the task runner says of its services and tasks."""
    return json.loads((layout.folder("runner") / "status.json").read_text())


def server(name: str) -> psutil.Process:
    """The process of the data plane's server of this name. Raises LocalCloudError while there is none."""
    try:
        noted = json.loads((layout.folder("dataplane") / f"{name}.pid").read_text())
        process = psutil.Process(noted["pid"])
    except (FileNotFoundError, psutil.NoSuchProcess) as error:
        raise LocalCloudError(f"{name} does not run", remedy="run: make status") from error
    return process


def servers(beginning: str) -> list[str]:
    """Names of the data plane's servers that begin like this."""
    return sorted(path.stem for path in layout.folder("dataplane").glob(f"{beginning}*.pid"))


def program(name: str) -> psutil.Process:
    """The process of a program under supervision. Raises LocalCloudError while there is none."""
    for state in supervision.states():
        if state.name == name and state.pid:
            return psutil.Process(state.pid)
    raise LocalCloudError(f"{name} does not run", remedy="run: make status")


def bucket() -> str:
    """The bucket of receipts."""
    return outputs.value("ReceiptsBucket")


def family(pid: int) -> list[psutil.Process]:
    """A process and all that descend from it."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def lives(process: psutil.Process) -> bool:
    """Whether it still runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def send(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    """Signal them all; those that are gone do not matter."""
    for process in processes:
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            os.kill(process.pid, number)
