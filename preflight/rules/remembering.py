"""What several rules ask of the same assembly, stack or resource, worked out once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def remembered(owner: object, name: str, make: Callable[[], T]) -> T:
    """The answer kept with its owner, as cached properties are: it goes when the owner goes."""
    kept = vars(owner)
    key = f"remembered {name}"
    if key not in kept:
        kept[key] = make()
    answer: T = kept[key]
    return answer
