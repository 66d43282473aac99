"""Containers as processes of this machine: the runtime that needs nothing installed.

What a container gives beyond a process is only partly there. Its environment is the task definition's alone, it runs
as the user that the definition names (as root: in a user namespace), its memory is watched and a process group of its
own takes its signals. Its root file system is not read-only, and it shares the machine's network and processor:
RUNTIME=docker holds it to those.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from localcloud import images, layout, strays
from localcloud.images import Image
from localcloud.runner.environment import translated
from localcloud.runner.launch import Launch

PATH = os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"])
TASK_MARKER = "LOCALCLOUD_TASK"
"""A variable that tells a task's processes from all others; holds the task's id."""


class Process:
    """A container's first process, which leads a session of its own."""

    def __init__(self, launch: Launch, image: Image) -> None:
        self._user = launch.definition.user
        self._environment = environment(launch, image)
        self._folder = image.folder
        self._cleared = False
        self._process = subprocess.Popen(
            _as_user(self._user, command(launch, image)),
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def id(self) -> str:
        return str(self._process.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> IO[bytes]:
        assert self._process.stdout is not None  # noqa: S101  (it was asked for)
        return self._process.stdout

    def exit_code(self) -> int | None:
        code = self._process.poll()
        return 128 - code if code is not None and code < 0 else code

    def memory(self) -> int:
        try:
            own = psutil.Process(self.pid)
            return sum(_memory(process) for process in [own, *own.children(recursive=True)])
        except psutil.Error:
            return 0

    def out_of_memory(self) -> bool:
        return False

    def execute(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            _as_user(self._user, command),
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            self._process.send_signal(number)

    def wait(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        if not self._cleared:
            self._cleared = True  # its number may soon be someone else's
            _kill_session(self.pid)
            self._process.wait()


class Processes:
    """The process runtime."""

    def check_image(self, reference: str) -> None:
        images.load(reference)

    def start(self, launch: Launch) -> Process:
        return Process(launch, images.load(launch.definition.image))

    def end_leftovers(self, records: Iterable[Mapping[str, object]]) -> int:
        """By process id and start time, by session, and by the mark in the environment: one of them always holds."""
        found: dict[int, psutil.Process] = {}
        orphaned = set()
        for record in records:
            leader, started = int(str(record["pid"])), float(str(record["started"]))
            try:
                process = psutil.Process(leader)
                if abs(process.create_time() - started) < 1:
                    found |= {p.pid: p for p in [process, *process.children(recursive=True)]}
            except psutil.Error:
                # A number is not given out again while its session has members, unless the machine was restarted.
                if started > psutil.boot_time():
                    orphaned.add(leader)
        for process in psutil.process_iter():
            if _of_session(process, orphaned) or _marked(process):
                found[process.pid] = process
        strays.end(list(found.values()), patience=10)
        return len(found)


def environment(launch: Launch, image: Image) -> dict[str, str]:
    """A process's whole environment: nothing of the runner's own gets in.

    Later ones win: where programs are and a home; the image's and the definition's variables, translated; secrets;
    what the platform adds.
    """
    # Programs come from this machine, so the image's own search path means nothing here.
    given = {k: v for k, v in image.environment.items() if k != "PATH"} | launch.definition.environment
    return {
        "PATH": PATH,
        "HOME": str(launch.folder),
        "TMPDIR": str(launch.folder),
        "LANG": "C.UTF-8",
        **translated(given, ports=launch.ports, mounts=launch.mounts),
        **launch.secrets,
        **launch.platform,
        layout.MARKER: str(layout.home()),
        TASK_MARKER: launch.task_id,
    }


def command(launch: Launch, image: Image) -> list[str]:
    """Entry point and command, a task definition's before the image's (API reference, ContainerDefinition)."""
    definition = launch.definition
    entry_point = definition.entry_point if definition.entry_point is not None else image.entry_point
    words = definition.command
    if words is None:
        # Docker forgets the image's command when the entry point is replaced.
        words = image.command if definition.entry_point is None else ()
    return [*entry_point, *words]


def _as_user(user: str, words: Sequence[str]) -> list[str]:
    number, _, group = user.partition(":")
    if os.geteuid() != 0 or not number.isdigit() or number == "0":
        return list(words)
    group = group if group.isdigit() else number
    return ["unshare", "--user", f"--map-user={number}", f"--map-group={group}", "--", *words]


def _memory(process: psutil.Process) -> int:
    """Proportional set size: as in a control group, a page that several processes share counts once."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def _kill_session(leader: int) -> None:
    """SIGKILL to the leader's group and to everything else of its session, whatever group that made for itself."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
    for process in psutil.process_iter():
        if _of_session(process, {leader}):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue


def _of_session(process: psutil.Process, sessions: set[int]) -> bool:
    try:
        return os.getsid(process.pid) in sessions
    except (ProcessLookupError, PermissionError):
        return False


def _marked(process: psutil.Process) -> bool:
    try:
        variables = process.environ()
    except (psutil.Error, OSError):
        return False
    return TASK_MARKER in variables and variables.get(layout.MARKER) == str(layout.home())
