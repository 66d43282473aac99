"""Processes that are killed, frozen or at a limit: web, worker, beat, PgBouncer, Envoy, emulator, a zone."""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from localcloud.console import LocalCloudError
from localcloud.drill.faults import parts
from localcloud.drill.faults.fault import Scene

Chosen = Callable[[Scene], Sequence[psutil.Process]]
"""Which processes a fault hits."""


def container(service: str, name: str) -> Chosen:
    """All processes of one container of one task, drawn by lot."""

    def choose(scene: Scene) -> Sequence[psutil.Process]:
        found = [task for task in parts.tasks(scene.platform, service) if name in task.containers]
        if not found:
            raise LocalCloudError(f"no task of {service} runs", remedy="run: make status")
        return parts.family(scene.chance.choice(found).containers[name])

    return choose


def zone(scene: Scene) -> Sequence[psutil.Process]:
    """Every process of every task of one zone, drawn by lot among those with a web task."""
    found = parts.tasks(scene.platform, "")
    zones = sorted({task.zone for task in found})
    if len({task.zone for task in found if task.service == "web"}) < 2:
        raise LocalCloudError("all web tasks are in one zone", remedy="choose an environment with two tasks and zones")
    gone = scene.chance.choice(zones)
    pids = [pid for task in found if task.zone == gone for pid in task.containers.values()]
    return [process for pid in pids for process in parts.family(pid)]


def of_data_plane(beginning: str) -> Chosen:
    """The server of the data plane whose name begins like this, with all its children."""

    def choose(scene: Scene) -> Sequence[psutil.Process]:  # noqa: ARG001
        return [process for name in parts.servers(beginning) for process in parts.family(parts.server(name).pid)]

    return choose


def emulator(scene: Scene) -> Sequence[psutil.Process]:  # noqa: ARG001
    return parts.family(parts.program("emulator").pid)


@dataclass
class Killed:
    """SIGKILL, once."""

    chosen: Chosen

    def make(self, scene: Scene) -> None:
        parts.send(self.chosen(scene), signal.SIGKILL)

    def mend(self, scene: Scene) -> None:
        """The platform itself has to."""


@dataclass
class Frozen:
    """SIGSTOP: alive, and answers nobody. What the platform has not replaced by then goes on when it is mended."""

    chosen: Chosen
    _stopped: list[psutil.Process] = field(default_factory=list)

    def make(self, scene: Scene) -> None:
        self._stopped = list(self.chosen(scene))
        parts.send(self._stopped, signal.SIGSTOP)

    def mend(self, scene: Scene) -> None:  # noqa: ARG002
        parts.send([process for process in self._stopped if process.is_running()], signal.SIGCONT)


@dataclass
class AtALimit:
    """A resource limit (setrlimit(2)) of all the processes is lowered to what `down_to` says of each of them."""

    chosen: Chosen
    limit: int
    down_to: Callable[[psutil.Process], int]
    _before: dict[psutil.Process, tuple[int, int]] = field(default_factory=dict)

    def make(self, scene: Scene) -> None:
        for process in self.chosen(scene):
            with suppress(psutil.NoSuchProcess):
                self._before[process] = process.rlimit(self.limit)
                process.rlimit(self.limit, (self.down_to(process), self._before[process][1]))

    def mend(self, scene: Scene) -> None:  # noqa: ARG002
        """Children that were forked meanwhile have the limit of who forked them."""
        for process, limits in self._before.items():
            for one in parts.family(process.pid) if process.is_running() else ():
                with suppress(psutil.NoSuchProcess):
                    one.rlimit(self.limit, limits)
        self._before.clear()


def no_more_descriptors(chosen: Chosen) -> AtALimit:
    """As many as each process has open: no further connection, file or pipe."""
    return AtALimit(chosen, resource.RLIMIT_NOFILE, lambda process: int(process.num_fds()))


def no_more_disk(chosen: Chosen) -> AtALimit:
    """Not a byte can be written to a file. Logs go through pipes, as on Fargate."""
    return AtALimit(chosen, resource.RLIMIT_FSIZE, lambda _: 0)
