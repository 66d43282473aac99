"""The end of `make rollout` in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from localcloud.rollout.report.summary import Judged


def as_text(rehearsals: Sequence[Judged]) -> str:
    """A line for each rehearsal, and one below it for each thing that was to hold."""
    return "\n".join(line for judged in rehearsals for line in _lines(judged))


def _lines(judged: Judged) -> Iterator[str]:
    record = judged.record
    seconds = record.ended - record.began
    yield ""
    yield f"{'ok ' if judged.ok else '✗  '}{record.scenario}, {record.strategy}: {record.says} ({seconds:.0f} s)"
    width = max(len(check.name) for check in judged.checks)
    for check in judged.checks:
        yield f"   {'  ' if check.holds else '✗ '}{check.name:<{width}}  {check.said}"
