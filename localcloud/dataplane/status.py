"""What the data plane says of each of its servers, for the emulator's handlers and for `make status`."""

from __future__ import annotations

import json
from pathlib import Path

from localcloud import layout


def _path(part: str) -> Path:
    return layout.folder("dataplane") / f"{part}.json"


def report(
    part: str,
    *,
    status: str,
    message: str = "",
    port: int | None = None,
    pid: int | None = None,
    restarts: int = 0,
) -> None:
    """`status` is `starting`, `available` or `failed`; written only when something changed."""
    text = json.dumps({"status": status, "message": message, "port": port, "pid": pid, "restarts": restarts})
    path = _path(part)
    if not path.exists() or path.read_text() != text:
        layout.write_private(path, text)


def forget(part: str) -> None:
    _path(part).unlink(missing_ok=True)


def forget_all() -> None:
    """At the start of the controller: what an earlier one said is not true any more."""
    for path in layout.folder("dataplane").glob("*.json"):
        path.unlink()
