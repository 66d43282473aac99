"""A drill of faults as tables, and for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.drill.faults.fault import Fault
from localcloud.drill.faults.judge import figures, judged, wrong
from localcloud.drill.faults.record import Attempt, Record
from localcloud.drill.report.table import Row, Table

_COLUMNS = (
    "fault", "what happens", "how", "requests", "failed", "errors that clients saw", "seen after", "clients back after",
    "writes back after", "reads gone", "whole after", "load", "what did not hold",
)  # fmt: skip


def tables(records: Sequence[Record], undrilled: Sequence[Fault]) -> list[Table]:
    """One for each turn, one of the ends, one of what is not drilled."""
    made = [
        Table(
            title=f"Faults under load, turn {number} (seed {record.seed})",
            columns=_COLUMNS,
            rows=tuple(_row(attempt) for attempt in record.attempts),
        )
        for number, record in enumerate(records, start=1)
    ]
    made.append(
        Table(
            title="In the end",
            columns=(
                *("turn", "receipts acknowledged", "lost", "corrections", "lost", "calls billed", "twice"),
                "what did not hold",
            ),
            rows=tuple(_end(number, record) for number, record in enumerate(records, start=1)),
        )
    )
    if undrilled:
        rows = tuple(Row(cells=(fault.name, fault.says, fault.why_not)) for fault in undrilled)
        made.append(Table(title="Not drilled", columns=("fault", "what happens", "why"), rows=rows))
    return made


def _row(attempt: Attempt) -> Row:
    seen, said = figures(attempt), wrong(attempt)
    errors = ", ".join(f"{count} × {what}" for what, count in seen.errors) or "none"
    return Row(
        cells=(
            attempt.fault.name,
            attempt.fault.says,
            attempt.fault.how,
            str(seen.requests),
            f"{seen.failed} ({seen.percent:.1f} %)",
            errors,
            _seconds(seen.detected),
            _seconds(seen.recovered),
            _seconds(seen.writes_back),
            _seconds(seen.reads_gone),
            _seconds(seen.whole),
            f"{attempt.load:.0f}",
            "; ".join(said) or "nothing",
        ),
        ok=not said,
    )


def _end(number: int, record: Record) -> Row:
    found = record.findings
    said = judged(record).get("in the end", [])
    cells = (
        *(str(number), str(found.promised), str(len(found.lost) + len(found.unread)), str(found.corrections)),
        *(str(len(found.uncorrected)), str(found.billed), str(len(found.billed_twice)), "; ".join(said) or "nothing"),
    )
    return Row(cells=cells, ok=not said)


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s" if value != float("inf") else "never"


def as_json(records: Sequence[Record], undrilled: Sequence[Fault]) -> Mapping[str, Any]:
    """The content of summary.json (docs/fault-drills.md says what its keys mean)."""
    return {
        "ok": bool(records) and not any(judged(record) or record.interrupted for record in records),
        "interrupted": any(record.interrupted for record in records),
        "environment": records[0].env if records else "",
        "turns": [
            {
                "seed": record.seed,
                "seconds": record.ended - record.began,
                "faults": [_of(attempt) for attempt in record.attempts],
                "promised": record.findings.promised,
                "lost": len(record.findings.lost) + len(record.findings.unread),
                "corrections": record.findings.corrections,
                "corrections_lost": len(record.findings.uncorrected),
                "billed": record.findings.billed,
                "billed_twice": len(record.findings.billed_twice),
                "wrong": judged(record),
            }
            for record in records
        ],
        "not_drilled": {fault.name: fault.why_not for fault in undrilled},
    }


def _of(attempt: Attempt) -> dict[str, Any]:
    seen = figures(attempt)
    return {
        "fault": attempt.fault.name,
        "requests": seen.requests,
        "failed": seen.failed,
        "errors": dict(seen.errors),
        "seconds_to_detect": seen.detected,
        "seconds_to_recover": seen.recovered,
        "seconds_to_writes": None if seen.writes_back == float("inf") else seen.writes_back,
        "seconds_without_reads": seen.reads_gone,
        "seconds_to_whole": seen.whole,
        "machine_load": attempt.load,
        "wrong": wrong(attempt),
    }
