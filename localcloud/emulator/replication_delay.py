"""How many seconds S3's replication is behind, as a drill wants it: in a file of the state folder."""

from __future__ import annotations

from pathlib import Path

from localcloud import layout


def put(seconds: float) -> None:
    """From now on, for every bucket with a replication rule; 0 is at once, as usual."""
    if seconds:
        layout.write_private(_file(), str(seconds))
    else:
        _file().unlink(missing_ok=True)


def get() -> float:
    try:
        return float(_file().read_text())
    except FileNotFoundError:
        return 0.0


def _file() -> Path:
    return layout.folder() / "replication-seconds"
