"""A replication group as valkey.conf and ACL file."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from pathlib import Path

from localcloud.dataplane.errors import UnsupportedError
from localcloud.dataplane.specs import ValkeySpec, ValkeyUser

ADMINISTRATOR = "localcloud"

_WITHOUT_EFFECT_HERE = frozenset(
    {"close-on-replica-write", "close-on-slave-write", "replica-allow-chaining", "slave-allow-chaining"}
)
"""Parameters of ElastiCache's own for replicas; here a group is one server."""

_RESERVED = "reserved-memory-percent"
_RESERVED_DEFAULT = 25.0

# docs.aws.amazon.com/AmazonElastiCache/latest/dg/SupportedCommands.html: restricted to the service itself.
_RESTRICTED = (
    *("acl|setuser", "acl|deluser", "acl|load", "acl|save", "config", "debug", "module", "shutdown"),
    *("bgrewriteaof", "bgsave", "save", "failover", "migrate", "psync", "replicaof", "slaveof", "sync"),
)


def configuration(spec: ValkeySpec, *, folder: Path, socket: Path) -> dict[str, str]:
    """Valkey's settings by name.

    As on ElastiCache nothing is written to disk while it runs: a crash loses what was in memory. An orderly stop saves
    a snapshot, so that a reboot of this machine is no data loss that AWS would not have.
    Raises UnsupportedError for cluster mode.
    """
    parameters = dict(spec.parameters)
    if parameters.pop("cluster-enabled", "no") == "yes":
        raise UnsupportedError("cluster mode is not available here")
    reserved = float(parameters.pop(_RESERVED, _RESERVED_DEFAULT))
    return {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "aclfile": str(acl_path(folder)),
        "maxmemory": str(int(spec.memory * (1 - reserved / 100))),
        "save": "",
        "appendonly": "no",
        "shutdown-on-sigterm": "save",
        # The title would be written over the environment, by which our processes are known.
        "set-proc-title": "no",
        **{name: value for name, value in parameters.items() if name not in _WITHOUT_EFFECT_HERE},
    }


def acl_path(folder: Path) -> Path:
    return folder / "users.acl"


def file_text(settings: Mapping[str, str]) -> str:
    """Lines of valkey.conf."""
    return "".join(f"{name} {_word(value)}\n" for name, value in settings.items())


def acl_text(users: tuple[ValkeyUser, ...], *, administrator_password: str) -> str:
    """The ACL file: the group's users without the commands that ElastiCache keeps to itself, no `default` user, and
    one of our own for administration."""
    lines = ["user default off resetpass -@all"]
    lines.append(f"user {ADMINISTRATOR} on ~* &* +@all {_hash(administrator_password)}")
    for user in users:
        if user.username == ADMINISTRATOR:
            raise UnsupportedError(f"the user name {ADMINISTRATOR} is taken here")
        if user.username == "default":
            lines.pop(0)
        hashes = " ".join(_hash(password) for password in user.passwords)
        # `reset` first: a user of the group named `default` would have Valkey's own wide rights otherwise.
        lines.append(
            f"user {user.username} reset {hashes} {user.access_string} {' '.join('-' + c for c in _RESTRICTED)}"
        )
    return "\n".join(lines) + "\n"


def _hash(password: str) -> str:
    return "#" + hashlib.sha256(password.encode()).hexdigest()


def _word(value: str) -> str:
    if value and shlex.quote(value) == value:
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
