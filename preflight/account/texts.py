"""The literal texts of a template's values, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from preflight.values import Node, Text


def literals(node: Node) -> Iterator[str]:
    """Every text under the node; of one that is only partly known the parts that are."""
    stack: list[Any] = [node.value]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Text):
            stack.extend(part for part in value.parts if isinstance(part, str))
        elif isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
