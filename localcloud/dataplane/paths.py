"""Folders of the data plane below the state folder."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from localcloud import layout

_LONGEST = 90
"""Bytes of a socket folder's path: the kernel takes 107 for the whole path, and the file names need some."""


def sockets() -> Path:
    """The folder of unix sockets, which only its owner may enter: `run` in the state folder or, where that path is too
    long for a socket, one of our own in the system's temporary folder.

    Raises PermissionError when somebody else owns that one.
    """
    usual = layout.folder("run")
    if len(os.fsencode(usual)) <= _LONGEST:
        return usual
    name = hashlib.sha256(os.fsencode(usual)).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"localcloud-{os.getuid()}-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or short.is_symlink():
        raise PermissionError(f"{short} belongs to somebody else or is open to others")
    return short


def log(name: str) -> Path:
    """The log file of a part."""
    return layout.folder("logs") / f"{name}.log"


def tail(path: Path, *, lines: int = 5) -> str:
    """The last lines of a log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 8192))
            found = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(found[-lines:])
