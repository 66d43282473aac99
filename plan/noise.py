"""Hashes of images and code: they change with every release, and say nothing of what changes."""

from __future__ import annotations

import re
from typing import Any

_HASH = re.compile(r"\b[0-9a-f]{64}\b")
_KEYS = frozenset({"Image", "ImageUri", "S3Key", "S3ObjectKey", "SourceObjectKeys", "TemplateURL"})
"""Properties that name an asset: container images, code archives, nested templates."""


def is_noise(path: tuple[str, ...], old: Any, new: Any) -> bool:
    """Whether two values of a property differ in the hash of an asset alone."""
    if not _KEYS.intersection(path):
        return False
    return bool(_without_hashes(old) == _without_hashes(new))


def _without_hashes(value: Any) -> Any:
    if isinstance(value, str):
        return _HASH.sub("#", value)
    if isinstance(value, list):
        return [_without_hashes(one) for one in value]
    if isinstance(value, dict):
        return {key: _without_hashes(one) for key, one in value.items()}
    return value
