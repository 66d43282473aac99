"""What it takes to start one container, whatever carries it: a process or Docker."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from localcloud.runner.definitions import ContainerDefinition


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One container of one task, with everything looked up that its definition only names.

    `ports` maps container ports to this machine's, `mounts` container paths to folders, `secrets` and `platform`
    variables to values; `folder` is the task's own.
    """

    task_id: str
    definition: ContainerDefinition
    folder: Path
    ports: Mapping[int, int] = field(default_factory=dict)
    mounts: Mapping[str, Path] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    platform: Mapping[str, str] = field(default_factory=dict)


class Running(Protocol):
    """A started container. `pid` is its first process on this machine, `output` both of its streams in one."""

    @property
    def id(self) -> str: ...

    @property
    def pid(self) -> int: ...

    @property
    def output(self) -> IO[bytes]: ...

    def exit_code(self) -> int | None:
        """As Docker tells it: 128 + number for a signal; None while it runs."""

    def memory(self) -> int:
        """Bytes that count against a limit; 0 where the runtime itself holds its containers to theirs."""

    def out_of_memory(self) -> bool:
        """Whether the runtime itself killed it for its memory."""

    def execute(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a command inside, silently."""

    def signal(self, number: signal.Signals) -> None:
        """Signal its first process, as Docker does."""

    def wait(self, seconds: float) -> bool:
        """Whether it ended within that time."""

    def kill(self) -> None:
        """SIGKILL to all of it, and clear away what is left."""


class Runtime(Protocol):
    """Starts containers."""

    def check_image(self, reference: str) -> None:
        """Raises ImageNotFoundError when a container of it could not start."""

    def start(self, launch: Launch) -> Running:
        """Raises OSError when it does not start."""

    def end_leftovers(self, records: Iterable[Mapping[str, object]]) -> int:
        """End what an earlier runner left of these containers (`pid`, `started`); how many there were."""
