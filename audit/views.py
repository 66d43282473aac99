"""The parts that other modules work out: who can do what, and who can reach what."""

from __future__ import annotations

from typing import Any


def readers(found: dict[str, Any] | None, path: str) -> tuple[str, ...]:
    """Principals that may read the store at a construct path."""
    if found is None:
        return ()
    names = {path, path.removesuffix("/Resource")}
    return tuple(
        f"{one['path']}{' (when ' + '; '.join(hold['conditions']) + ')' if hold['conditions'] else ''}"
        for one in found["principals"]
        for hold in one["holds"]
        if hold["store"] in names and hold["reach"] == "read"
    )
