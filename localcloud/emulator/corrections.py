"""Replacing parts of MiniStack: only what is there is replaced, so that another release cannot pass unnoticed."""

from __future__ import annotations

from typing import Any


class UpstreamChangedError(RuntimeError):
    """MiniStack does not have the part that a correction replaces."""


def replace(owner: Any, name: str, replacement: Any) -> None:
    """Put `replacement` in the place of owner.name. Raises UpstreamChangedError when there is no such part."""
    if not hasattr(owner, name):
        raise UpstreamChangedError(f"{getattr(owner, '__name__', owner)} has no {name} to correct")
    setattr(owner, name, replacement)
