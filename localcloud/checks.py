"""What the machine must offer before the local cloud starts, each with a way on when it does not."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil

from localcloud import layout
from localcloud.console import LocalCloudError

NEEDED_MEMORY = 3 * 1024**3
"""Bytes that must be available: the whole local cloud at rest, with one receipt being read (`make bench`)."""

NEEDED_DISK = 2 * 1024**3
"""Bytes free in the state folder's file system: databases, write-ahead log, images, logs."""


def _memory() -> None:
    available = psutil.virtual_memory().available
    if available < NEEDED_MEMORY:
        raise LocalCloudError(
            f"{available / 1024**3:.1f} GiB of memory are available, {NEEDED_MEMORY / 1024**3:.0f} GiB are needed",
            remedy="close other programs, or add memory or swap",
        )


def _disk() -> None:
    free = shutil.disk_usage(layout.folder()).free
    if free < NEEDED_DISK:
        raise LocalCloudError(
            f"{free / 1024**3:.1f} GiB are free below {layout.home()}, {NEEDED_DISK / 1024**3:.0f} GiB are needed",
            remedy="free some disk, or set LOCALCLOUD_HOME to a folder on a larger one",
        )


def _programs() -> None:
    path = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"
    missing = [name for name in ("pgbouncer", "openssl") if shutil.which(name, path=path) is None]
    if missing:
        raise LocalCloudError(f"not installed: {', '.join(missing)}", remedy="run: scripts/setup run")


def _user_namespace() -> None:
    """As root, servers that refuse root run inside a user namespace, where they have another user id."""
    if os.geteuid() != 0:
        return
    probe = subprocess.run(
        ["unshare", "--user", "--map-user=10001", "--map-group=10001", "true"], capture_output=True, text=True
    )
    if probe.returncode:
        raise LocalCloudError(
            f"PostgreSQL refuses to run as root, and no user namespace can be made: {probe.stderr.strip()}",
            remedy="run make up as an ordinary user with sudo",
        )


GIVEN_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")

LONGEST_HOME = 75
"""Bytes of the state folder's path: a Unix socket's path has at most 107 (unix(7)), 32 of them are ours below it."""


def _socket_path() -> None:
    if len(os.fsencode(layout.home())) > LONGEST_HOME:
        raise LocalCloudError(
            f"the path of the state folder is too long for Unix sockets: {layout.home()}",
            remedy="set LOCALCLOUD_HOME to a shorter path",
        )


def ports_free() -> None:
    """Raise LocalCloudError when a port we will need is taken by someone else."""
    ports = layout.ports()
    usual = [ports.listener(port) for port in (80, 443, 8080, 8443)]
    for port in [ports.api, ports.credentials, ports.cdn, *usual]:
        assert port is not None  # noqa: S101  (the usual listeners have ports)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((layout.LOOPBACK, port))
            except OSError as error:
                raise LocalCloudError(
                    f"port {port} on {layout.LOOPBACK} is taken by {_owner(port)}: {error.strerror}",
                    remedy=f"stop that program, or move all ports: LOCALCLOUD_BASE_PORT={ports.base + 1000} make up",
                ) from error


def port_notice(*, given_out: Path = GIVEN_OUT) -> str:
    """A warning where the kernel may give our ports to outgoing connections before our servers use them; else empty.

    https://www.kernel.org/doc/html/latest/networking/ip-sysctl.html, ip_local_port_range
    """
    low, high = (int(number) for number in given_out.read_text().split())
    ports = layout.ports()
    if ports.last < low or ports.base > high:
        return ""
    safe = low - (ports.last - ports.base)
    return (
        f"ports {ports.base} to {ports.last} lie among those that this machine gives to outgoing connections "
        f"({low} to {high}), which may take one first: better LOCALCLOUD_BASE_PORT below {safe}"
    )


def _owner(port: int) -> str:
    for connection in psutil.net_connections(kind="tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            if connection.pid is None:
                return "another user's process"
            return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return "another process"


def machine() -> None:
    """Raise LocalCloudError for the first thing that is missing."""
    checks: list[Callable[[], None]] = [_programs, _user_namespace, _socket_path, _memory, _disk]
    for check in checks:
        check()
