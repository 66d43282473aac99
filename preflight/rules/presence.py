"""The elements of a list that no condition of the deployment can take out."""

from __future__ import annotations

from preflight.values import Node, entries


def certain(node: Node) -> list[Node]:
    """The elements of a list that are decidedly there."""
    return [entry for entry in entries(node) if entry.present]
