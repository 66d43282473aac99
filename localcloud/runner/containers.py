"""Containers as containers, where a Docker API answers (RUNTIME=docker): Docker's own or podman's.

What the task definition asks for is Docker's to enforce: read-only root, user, dropped capabilities, init, memory.
Containers use the host's network (`--network host`), because the services of the local cloud listen on the loopback
interface only and would be out of reach from a bridge; so ports are translated as for processes. Secrets travel in
the client's environment, never on a command line. The image was built by `localcloud/docker` from the project's own
Dockerfile.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

from localcloud import layout
from localcloud.images import ImageNotFoundError
from localcloud.runner.environment import translated
from localcloud.runner.launch import Launch

LABEL = "localcloud.home"
_AUTHORITIES = "/etc/localcloud/authorities.pem"
_PATIENCE = 30


class DockerMissingError(RuntimeError):
    """RUNTIME=docker, and no Docker API answers."""


class DockerContainer:
    """A container behind an attached `docker start`, whose exit code is the container's."""

    def __init__(self, launch: Launch) -> None:
        self._name = f"localcloud-{launch.task_id}-{launch.definition.name}"
        variables = environment(launch)
        made = subprocess.run(
            create_command(launch, name=self._name, variables=variables),
            # `--env NAME` takes each value from here; what leads the client to its daemon stays.
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
        )
        if made.returncode:
            raise OSError(made.stderr.strip())
        self._client = subprocess.Popen(
            ["docker", "start", "--attach", self._name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._killed_for_memory: bool | None = None

    @property
    def id(self) -> str:
        return self._name

    @property
    def pid(self) -> int:
        return self._client.pid

    @property
    def output(self) -> IO[bytes]:
        assert self._client.stdout is not None  # noqa: S101  (it was asked for)
        return self._client.stdout

    def exit_code(self) -> int | None:
        return self._client.poll()

    def memory(self) -> int:
        return 0

    def out_of_memory(self) -> bool:
        if self.exit_code() is None:
            return False
        if self._killed_for_memory is None:
            said = _docker("inspect", "--format", "{{.State.OOMKilled}}", self._name)
            self._killed_for_memory = said.stdout.strip() == "true"
        return self._killed_for_memory

    def execute(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["docker", "exec", self._name, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def signal(self, number: signal.Signals) -> None:
        if self.exit_code() is None:
            _docker("kill", "--signal", number.name, self._name)

    def wait(self, seconds: float) -> bool:
        try:
            self._client.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        self.out_of_memory()
        if self.exit_code() is None:
            _docker("kill", "--signal", "SIGKILL", self._name)
            self.wait(_PATIENCE / 2)
        _docker("rm", "--force", "--volumes", self._name)
        if not self.wait(_PATIENCE / 2):
            self._client.kill()
            self._client.wait()


class Containers:
    """The Docker runtime. Raises DockerMissingError where none answers."""

    def __init__(self) -> None:
        if not shutil.which("docker"):
            raise DockerMissingError(
                "RUNTIME=docker, but there is no docker command; leave RUNTIME unset for processes"
            )
        asked = _docker("info", "--format", "{{.ServerVersion}}")
        if asked.returncode:
            raise DockerMissingError(f"RUNTIME=docker, but docker info says: {asked.stderr.strip()}")

    def check_image(self, reference: str) -> None:
        if _docker("image", "inspect", "--format", "{{.Id}}", reference).returncode:
            raise ImageNotFoundError(f"CannotPullContainerError: {reference}: no such image was built here")

    def start(self, launch: Launch) -> DockerContainer:
        return DockerContainer(launch)

    def end_leftovers(self, records: Iterable[Mapping[str, object]]) -> int:  # noqa: ARG002  (Docker knows them itself)
        names = _docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}={layout.home()}").stdout.split()
        if names:
            _docker("rm", "--force", "--volumes", *names)
        return len(names)


def environment(launch: Launch) -> dict[str, str]:
    """What the container gets on top of its image's: the definition's variables, secrets, the platform's."""
    return {
        **translated(launch.definition.environment, ports=launch.ports, mounts={}),
        **launch.secrets,
        **launch.platform,
        "AWS_CA_BUNDLE": _AUTHORITIES,
        layout.MARKER: str(layout.home()),
    }


def create_command(launch: Launch, *, name: str, variables: Iterable[str]) -> list[str]:
    """The `docker create` of a container; makes its mounted folders its user's."""
    definition = launch.definition
    command = ["docker", "create", "--name", name, "--pull", "never", "--network", "host", "--label"]
    command += [f"{LABEL}={layout.home()}", "--log-driver", "none"]
    command += ["--volume", f"{_authorities(launch)}:{_AUTHORITIES}:ro"]
    for path, folder in launch.mounts.items():
        _give(folder, definition.user)
        command += ["--volume", f"{folder}:{path}"]
    if definition.read_only:
        command += ["--read-only"]
    if definition.init:
        command += ["--init"]
    for capability in definition.dropped:
        command += ["--cap-drop", capability]
    if definition.user:
        command += ["--user", definition.user]
    if definition.memory_mib:
        command += ["--memory", f"{definition.memory_mib}m"]
    if definition.cpu_units:
        command += ["--cpus", str(definition.cpu_units / 1024)]
    for variable in variables:
        command += ["--env", variable]
    words = list(definition.command or ())
    if definition.entry_point is not None:
        program, *rest = definition.entry_point or ("",)
        command += ["--entrypoint", program]
        words = [*rest, *words]
    return [*command, definition.image, *words]


def _authorities(launch: Launch) -> Path:
    """A copy of the certificate authorities that the container's user can read: they are no secret."""
    path = launch.folder / "authorities.pem"
    if not path.exists():
        shutil.copyfile(launch.platform["AWS_CA_BUNDLE"], path)
        path.chmod(0o644)
    return path


def _give(folder: Path, user: str) -> None:
    number, _, group = user.partition(":")
    if number.isdigit():
        with contextlib.suppress(PermissionError):  # not root: Docker gives what is ours to nobody else
            os.chown(folder, int(number), int(group) if group.isdigit() else int(number))


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=_PATIENCE)
