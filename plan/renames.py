"""Pairs of a deleted and an added resource that are one thing under another logical id."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from preflight.assembly import Resource

_ALIKE = 0.7
"""Share of equal properties from which two resources of a type are taken for the same thing."""


def renames(deleted: list[Resource], added: list[Resource]) -> dict[Resource, Resource]:
    """By deleted resource the added one that takes its place; each is paired once, the most alike first."""
    scored = sorted(
        (
            (score, index, position)
            for index, old in enumerate(deleted)
            for position, new in enumerate(added)
            if old.type == new.type and (score := _likeness(old, new)) >= _ALIKE
        ),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )
    found: dict[Resource, Resource] = {}
    taken: set[int] = set()
    for _, index, position in scored:
        if deleted[index] not in found and position not in taken:
            found[deleted[index]] = added[position]
            taken.add(position)
    return found


def _likeness(old: Resource, new: Resource) -> float:
    """1 for the same physical name, else the share of leaves that both have."""
    if old.name is not None and old.name == new.name:
        return 1.0
    before, after = set(_leaves(old.raw.get("Properties"))), set(_leaves(new.raw.get("Properties")))
    every = before | after
    return len(before & after) / len(every) if every else 1.0


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, one in value.items():
            yield from _leaves(one, (*path, str(key)))
    elif isinstance(value, list) and value:
        for index, one in enumerate(value):
            yield from _leaves(one, (*path, str(index)))
    else:
        yield json.dumps([path, value], default=str)
