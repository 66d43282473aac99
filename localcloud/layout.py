"""Where the local cloud keeps things and which ports it uses.

One folder holds everything (`$LOCALCLOUD_HOME`, by default `.local` in the repository, mode 0700) and one number
places every port (`$LOCALCLOUD_BASE_PORT`, by default 4500), so two local clouds can run side by side.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
ACCOUNT = "000000000000"
MARKER = "LOCALCLOUD_PROCESS_OF"
"""In the environment of every process that we start, and of no other: names the state folder it belongs to."""

REPOSITORY = Path(__file__).resolve().parent.parent

_API, _HTTP, _HTTPS, _TEST_HTTP, _TEST_HTTPS, _CDN, _ENVOY_ADMIN, _CREDENTIALS, _OPENAI = (
    66,
    80,
    43,
    81,
    44,
    90,
    91,
    92,
    93,
)
_RANGES = {
    "rds": range(100, 150),
    "elasticache": range(150, 200),
    "listener": range(200, 260),
    "task": range(300, 500),
}


class PortsExhaustedError(RuntimeError):
    """No free number is left in a range of ports."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The ports of one local cloud, all offsets from one base."""

    base: int

    @property
    def api(self) -> int:
        """HTTPS endpoint of the AWS API."""
        return self.base + _API

    @property
    def last(self) -> int:
        return self.base + max(numbers.stop for numbers in _RANGES.values()) - 1

    @property
    def credentials(self) -> int:
        """Container credentials and task metadata endpoint."""
        return self.base + _CREDENTIALS

    @property
    def cdn(self) -> int:
        """First CloudFront distribution."""
        return self.base + _CDN

    @property
    def openai(self) -> int:
        """Where a drill answers in OpenAI's place."""
        return self.base + _OPENAI

    def listener(self, port: int) -> int | None:
        """Local port of a load balancer listener on the usual ports; None for others, which are allocated."""
        usual = {80: _HTTP, 443: _HTTPS, 8080: _TEST_HTTP, 8443: _TEST_HTTPS}
        return self.base + usual[port] if port in usual else None


def home() -> Path:
    """State folder of this local cloud."""
    return Path(os.environ.get("LOCALCLOUD_HOME") or REPOSITORY / ".local").resolve()


def ports() -> Ports:
    return Ports(base=int(os.environ.get("LOCALCLOUD_BASE_PORT") or 4500))


def openai_server() -> Path:
    """The file with the address of a server that stands for OpenAI; there is none unless somebody started one."""
    return folder() / "openai-server"


def folder(*parts: str) -> Path:
    """A folder below the state folder, made on demand and readable by its owner only."""
    path = home()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    for part in parts:
        path = path / part
        path.mkdir(mode=0o700, exist_ok=True)  # `parents=True` would make the upper ones readable by all
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, in one step, so that no reader sees half of it; its folder exists."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)


@contextmanager
def _registry() -> Iterator[dict[str, int]]:
    path = folder() / "ports.json"
    with (folder() / "ports.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        taken: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        before = dict(taken)
        yield taken
        if taken != before:
            write_private(path, json.dumps(taken, indent=1, sort_keys=True))


def allocate_port(kind: str, name: str) -> int:
    """The port of resource `name` of `kind` (a key of the ranges above): the same one each time it is asked for.

    Raises PortsExhaustedError when the range is full.
    """
    with _registry() as taken:
        key = f"{kind}:{name}"
        if key not in taken:
            free = (ports().base + offset for offset in _RANGES[kind])
            port = next((p for p in free if p not in taken.values()), None)
            if port is None:
                raise PortsExhaustedError(f"all {len(_RANGES[kind])} local ports for {kind} are in use")
            taken[key] = port
        return taken[key]


def release_port(kind: str, name: str) -> None:
    """Give a port back; nothing happens when it was not taken."""
    with _registry() as taken:
        taken.pop(f"{kind}:{name}", None)


def distribution_port(distribution_id: str) -> int:
    """The usual port for the first distribution that asks, and ever after for that one; another for each further one.

    Raises PortsExhaustedError.
    """
    owner = folder("dataplane") / "cdn-port"
    if not owner.exists():
        write_private(owner, distribution_id)
    if owner.read_text() == distribution_id:
        return ports().cdn
    return allocate_port("listener", f"distribution:{distribution_id}")


def release_distribution_port(distribution_id: str) -> None:
    """Give a distribution's port back; nothing happens when it had none."""
    owner = folder("dataplane") / "cdn-port"
    if owner.exists() and owner.read_text() == distribution_id:
        owner.unlink()
    release_port("listener", f"distribution:{distribution_id}")
