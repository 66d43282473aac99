"""What trees of processes use: processor time and memory, from /proc."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Of a tree, at one look: processor seconds that it used since it began, bytes that it holds and that are swapped.

    Seconds of children that ended and were waited for count; `began` is in seconds since the epoch.
    """

    processor: float
    memory: int
    swapped: int
    began: float


def usage(roots: Iterable[int]) -> Usage | None:
    """Of these processes and all below them; None when none of them is left."""
    trees = [member for pid in roots for member in _tree(pid)]
    found = [each for each in map(_of_one, trees) if each]
    if not found:
        return None
    return Usage(
        processor=sum(each.processor for each in found),
        memory=sum(each.memory for each in found),
        swapped=sum(each.swapped for each in found),
        began=min(each.began for each in found),
    )


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def _of_one(process: psutil.Process) -> Usage | None:
    try:
        with process.oneshot():
            times = process.cpu_times()
            memory = process.memory_full_info()
            began = process.create_time()
    except psutil.Error:
        return None
    return Usage(
        processor=times.user + times.system + times.children_user + times.children_system,
        # Proportional set size: as in a control group, a page that several processes share counts once.
        memory=memory.pss,
        swapped=memory.swap,
        began=began,
    )


def processor_between(before: Usage | None, after: Usage) -> float:
    """Processor seconds used in between; all of them when there was no look before or it was of another process."""
    if before is None or before.began != after.began:
        return after.processor
    return max(0.0, after.processor - before.processor)
