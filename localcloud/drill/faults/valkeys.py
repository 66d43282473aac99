"""Faults of Valkey, as broker and as cache: killed, frozen, flushed, empty, full, slow, full of garbage."""

from __future__ import annotations

import os
import secrets
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psutil
import valkey

from localcloud import layout
from localcloud.console import LocalCloudError
from localcloud.dataplane.elasticache.server import administrator
from localcloud.drill.faults import parts
from localcloud.drill.faults.fault import Scene

_BLOCK = 1 << 18


def group(scene: Scene, role: str) -> str:
    """The id of the replication group `broker` or `cache`. Raises LocalCloudError."""
    pages = scene.platform.client("elasticache").get_paginator("describe_replication_groups").paginate()
    for page in pages:
        for found in page["ReplicationGroups"]:
            if role in found.get("Description", "").lower() or f"-{role[:3]}" in found["ReplicationGroupId"]:
                return str(found["ReplicationGroupId"])
    raise LocalCloudError(f"there is no replication group for the {role}", remedy="run: make status")


def processes(role: str) -> Callable[[Scene], list[psutil.Process]]:
    """The server of that role."""
    return lambda scene: parts.family(parts.server(f"elasticache-{group(scene, role)}").pid)


@dataclass
class Flushed:
    """Everything in it is deleted."""

    role: str

    def make(self, scene: Scene) -> None:
        administrator(group(scene, self.role)).flushall()

    def mend(self, scene: Scene) -> None:
        """Nothing is broken any more."""


@dataclass
class RestartedEmpty:
    """Killed, and what it had saved is deleted before it starts again, as with a node that is replaced."""

    role: str

    def make(self, scene: Scene) -> None:
        name = group(scene, self.role)
        found = parts.family(parts.server(f"elasticache-{name}").pid)
        client: Any = administrator(name)
        client.flushall()
        parts.send(found, signal.SIGKILL)
        for file in (layout.folder("elasticache") / name).rglob("*.rdb"):
            file.unlink(missing_ok=True)

    def mend(self, scene: Scene) -> None:
        """The data plane starts it again."""


@dataclass
class Full:
    """Its memory is filled until it takes no more."""

    role: str
    _key: str = field(default_factory=lambda: f"drill-{secrets.token_hex(4)}")

    def make(self, scene: Scene) -> None:
        client: Any = administrator(group(scene, self.role))
        self._before = client.config_get("maxmemory")["maxmemory"]
        # A gibibyte of it takes long to fill: its limit is lowered to a little more than it holds.
        client.config_set("maxmemory", int(client.info("memory")["used_memory"]) + 4 * _BLOCK)
        with suppress(valkey.exceptions.OutOfMemoryError):
            for _ in range(64):
                client.rpush(self._key, secrets.token_bytes(_BLOCK))

    def mend(self, scene: Scene) -> None:
        client: Any = administrator(group(scene, self.role))
        client.config_set("maxmemory", self._before)
        client.delete(self._key)


@dataclass
class Stuttering:
    """Stopped for 0.4 s of every half second: whoever asks waits."""

    role: str
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def make(self, scene: Scene) -> None:
        self._over.clear()
        pid = parts.server(f"elasticache-{group(scene, self.role)}").pid
        self._thread = threading.Thread(target=self._run, args=(pid,), name="stutter", daemon=True)
        self._thread.start()

    def mend(self, scene: Scene) -> None:  # noqa: ARG002
        self._over.set()
        if self._thread:
            self._thread.join(10)

    def _run(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            while not self._over.is_set():
                os.kill(pid, signal.SIGSTOP)
                self._over.wait(0.4)
                os.kill(pid, signal.SIGCONT)
                self._over.wait(0.1)


@dataclass
class Garbage:
    """Every string in it becomes random bytes, every other key a string."""

    role: str

    def make(self, scene: Scene) -> None:
        client: Any = administrator(group(scene, self.role))
        for key in client.scan_iter(count=1000):
            client.set(key, secrets.token_bytes(24), keepttl=True)

    def mend(self, scene: Scene) -> None:
        """The application has to live with it."""
