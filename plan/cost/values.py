"""Numbers out of resolved properties, for quantities that a bill cannot do without."""

from __future__ import annotations

from typing import Any

from plan.cost.prices import UnpricedError
from preflight import values
from preflight.values import Node


def number(node: Node, default: float | None = None) -> float:
    """A property as a number. Raises UnpricedError where it is not decided, or absent without a default."""
    if node.absent and default is not None:
        return default
    found = values.number(node)
    if found is None:
        raise UnpricedError(f"{node.path() or 'a quantity'} is known when it is deployed only")
    return found


def true(node: Node) -> bool:
    """Whether a property is surely true."""
    return values.boolean(node) is True


def length(node: Node) -> int:
    """Elements of a list property. Raises UnpricedError where only the deployment knows it."""
    value: Any = node.value
    if node.absent:
        return 0
    if not isinstance(value, list):
        raise UnpricedError("the length of a list is known when it is deployed only")
    return len(value)
