"""What the platform shows of its own state: enough to see that something happened, and that it is over."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from typing import Any

from localcloud import layout, supervision
from localcloud.drill.faults import parts

_EVERY = 0.25


class Watch:
    """A thread that looks at the platform; safe to read from any other."""

    def __init__(self) -> None:
        self.noticed: float | None = None
        self.whole: float | None = None
        self._before = look()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="wellness", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._over.wait(_EVERY):
            seen = look()
            if self.noticed is None and seen != self._before:
                self.noticed = time.time()
            if self.noticed is None:
                continue
            if not well(seen):
                self.whole = None
            elif self.whole is None:
                self.whole = time.time()


def look() -> dict[str, Any]:
    """Every part and what is known of it."""
    found: dict[str, Any] = {}
    try:
        told = parts.runner()
    except (OSError, json.JSONDecodeError):
        told = {"services": [], "tasks": []}
    for service in told["services"]:
        found[service["name"]] = {"wanted": service["desired"], "running": service["running"]}
    for task in told["tasks"]:
        found[task["id"]] = (task["status"], task["health"])
    for file in layout.folder("dataplane").glob("*.json"):
        if file.stem.startswith(("rds-", "elasticache-", "envoy-")):
            try:
                state = json.loads(file.read_text())
            except (OSError, json.JSONDecodeError):
                continue
            found[file.stem] = {name: state.get(name) for name in ("status", "pid", "restarts")}
    for program in supervision.states():
        found[program.name] = {"status": program.name and program.state, "pid": program.pid}
    try:
        found["targets"] = (layout.folder("dataplane") / "target-health.json").read_text()
    except OSError:
        found["targets"] = ""
    return found


def well(seen: Mapping[str, Any]) -> bool:
    """Every service has the tasks it wants, and every server and program runs."""
    for state in seen.values():
        if not isinstance(state, dict):
            continue
        if "wanted" in state and state["running"] < state["wanted"]:
            return False
        if state.get("status") not in (None, "available", "RUNNING", "healthy", "ok"):
            return False
    return True
