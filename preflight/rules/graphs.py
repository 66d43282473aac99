"""Circles in a graph of needs: what can never be made first."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from typing import TypeVar

N = TypeVar("N", bound=Hashable)


def circles(needs: Mapping[N, Collection[N]]) -> list[list[N]]:
    """One circle out of each group of nodes that need each other; a node that needs itself is one.

    Tarjan's strongly connected components, without recursion: a template may chain thousands of resources.
    """
    found: list[list[N]] = []
    for group in _components(needs):
        members = set(group)
        if len(group) > 1 or group[0] in needs[group[0]]:
            found.append(_walk_round(group[0], members, needs))
    return found


def _walk_round(start: N, members: set[N], needs: Mapping[N, Collection[N]]) -> list[N]:
    """The shortest way from `start` back to it within its group."""
    came_from: dict[N, N] = {}
    level = [start]
    while level:
        following: list[N] = []
        for node in level:
            for needed in needs[node]:
                if needed == start:
                    way = [node]
                    while way[-1] != start:
                        way.append(came_from[way[-1]])
                    return way[::-1]
                if needed in members and needed not in came_from:
                    came_from[needed] = node
                    following.append(needed)
        level = following
    return [start]


def _components(needs: Mapping[N, Collection[N]]) -> Iterator[list[N]]:
    index: dict[N, int] = {}
    low: dict[N, int] = {}
    stack: list[N] = []
    on_stack: set[N] = set()
    for root in needs:
        if root in index:
            continue
        work = [(root, iter(needs[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, remaining = work[-1]
            for needed in remaining:
                if needed not in needs:
                    continue
                if needed not in index:
                    index[needed] = low[needed] = len(index)
                    stack.append(needed)
                    on_stack.add(needed)
                    work.append((needed, iter(needs[needed])))
                    break
                if needed in on_stack:
                    low[node] = min(low[node], index[needed])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    group: list[N] = []
                    while not group or group[-1] != node:
                        group.append(stack.pop())
                        on_stack.discard(group[-1])
                    yield group[::-1]
