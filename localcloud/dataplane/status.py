"""What a resource says of itself, for the emulator that waits for it and for `make status`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from localcloud import layout


@dataclass(frozen=True, kw_only=True)
class Status:
    """`message` says why when it is not available, or what is worth knowing when it is."""

    status: Literal["available", "creating", "failed", "stopped"]
    message: str = ""
    port: int | None = None
    pid: int | None = None
    restarts: int = 0


def path(kind: str, name: str) -> Path:
    return layout.folder("dataplane") / f"{kind}-{name}.json"


def write(kind: str, name: str, status: Status) -> None:
    layout.write_private(path(kind, name), json.dumps(asdict(status)))


def remove(kind: str, name: str) -> None:
    path(kind, name).unlink(missing_ok=True)


def remove_all(kind: str) -> None:
    """Forget every resource of a kind: an earlier data plane may have left words about some that are gone."""
    for found in layout.folder("dataplane").glob(f"{kind}-*.json"):
        found.unlink()
