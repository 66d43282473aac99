"""The live view: one line a second that reads as well in a log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from localcloud.rollout.load.answers import Answer, by_second
from localcloud.rollout.snapshot import Snapshot

_WINDOW = 10
"""Seconds that the percentiles of the live view look back."""


def line(snapshot: Snapshot, answers: Sequence[Answer], *, since: float) -> str:
    """Time, stage, weights and healthy targets by group, then requests of the last whole second."""
    at = int(snapshot.at) - 1
    recent = [answer for answer in _from_the_end(answers, at - _WINDOW - 20) if answer.ended < at + 1]
    second = next((each for each in by_second(recent, window=_WINDOW) if each.at == at), None)
    groups = "  ".join(
        f"{group.name} {snapshot.weight(group.name):3d} % {group.healthy}/{group.targets}" for group in snapshot.groups
    )
    stage = snapshot.deployment.stage if snapshot.deployment and not snapshot.deployment.over else ""
    rolling = snapshot.deployment is not None and snapshot.deployment.status.startswith("ROLLBACK")
    if rolling and snapshot.deployment and not snapshot.deployment.over:
        stage = f"ROLLBACK {stage}".strip()
    speaking = [name for name, state in snapshot.alarms.items() if state == "ALARM"]
    failed = sum(not answer.good for answer in answers)
    load = "no answer"
    if second and second.p50 is not None and second.p99 is not None:
        load = f"{second.count:3d}/s  p50 {duration(second.p50)}  p99 {duration(second.p99)}"
    alarms = f"  ALARM {', '.join(speaking)}" if speaking else ""
    return f"{snapshot.at - since:6.0f} s  {stage:<33}  {groups}  {load}  {failed} failed{alarms}"


def _from_the_end(answers: Sequence[Answer], since: float) -> Iterator[Answer]:
    """Answers sent after `since`; they come in the order in which they ended, so that the search can end early."""
    for answer in reversed(answers):
        if answer.ended < since:
            return
        yield answer


def duration(seconds: float) -> str:
    """Milliseconds below a second."""
    return f"{1000 * seconds:4.0f} ms" if seconds < 1 else f"{seconds:4.1f} s "
