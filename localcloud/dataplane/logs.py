"""Log files of the servers, kept to a size."""

from __future__ import annotations

import shutil
from pathlib import Path

from localcloud import layout

_MOST_BYTES = 20 * 1024**2

# The supervisor rotates those of its own programs.
_OTHERS = frozenset({"emulator.log", "dataplane.log", "runner.log", "metrics.log", "supervisord.log"})


def rotate_all(*, most_bytes: int = _MOST_BYTES) -> None:
    """Copy away and empty each log that is too long; one earlier copy is kept.

    Servers append to an open file and outlive us, so the file itself must stay; what is written between copy and
    emptying is lost.
    """
    for path in layout.folder("logs").glob("*.log"):
        if path.name not in _OTHERS and path.stat().st_size > most_bytes:
            rotate(path)


def rotate(path: Path) -> None:
    earlier = path.with_name(f"{path.name}.1")
    shutil.copyfile(path, earlier)
    earlier.chmod(0o600)
    with path.open("r+b") as file:
        file.truncate(0)
