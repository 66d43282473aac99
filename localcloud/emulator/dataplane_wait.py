"""Waiting for the data plane to have made what a handler recorded."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from localcloud import layout

_PATIENCE_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.1


class DataPlaneError(RuntimeError):
    """The data plane could not make a server, or said nothing in time; the message is for people."""


def report_path(kind: str, name: str) -> Path:
    """Where the data plane reports on a server: {"status": "available"|"failed", "message": ...}."""
    return layout.folder("dataplane") / f"{kind}-{name}.json"


def off() -> bool:
    """Whether there is no data plane, as in tests of the emulator alone."""
    return os.environ.get("LOCALCLOUD_DATAPLANE") == "off"


def wait_until_available(kind: str, name: str, *, patience: float = _PATIENCE_SECONDS) -> None:
    """Return when the server accepts connections, at once without a data plane. Raises DataPlaneError."""
    if off():
        return
    deadline = time.monotonic() + patience
    path = report_path(kind, name)
    while time.monotonic() < deadline:
        report = _read(path)
        if report.get("status") == "available":
            return
        if report.get("status") == "failed":
            raise DataPlaneError(f"{kind} {name}: {report.get('message') or 'the data plane gave no reason'}")
        time.sleep(_LOOK_AGAIN_SECONDS)
    raise DataPlaneError(
        f"{kind} {name}: the data plane did not report it available within {patience:.0f} s; "
        f"is it running? Its log is {layout.folder('logs') / 'dataplane.log'}"
    )


def _read(path: Path) -> dict[str, str]:
    try:
        content: dict[str, str] = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return content
