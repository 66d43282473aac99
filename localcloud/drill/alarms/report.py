"""A drill of alarms as tables, and as `summary.json` (docs/alarm-drills.md says what its keys mean)."""

from __future__ import annotations

from typing import Any

from localcloud.drill.alarms.judge import Finding, Verdict
from localcloud.drill.alarms.record import Attempt, Record
from localcloud.drill.report.table import Row, Table

_NOTHING = "–"


def tables(record: Record, verdict: Verdict) -> list[Table]:
    """Alarms; what was paged; what turned red unasked, where anything did."""
    found = [_alarms(record, verdict), _pages(verdict)]
    return [*found, _false_alarms(record, verdict)] if verdict.false_alarms else found


def _alarms(record: Record, verdict: Verdict) -> Table:
    minutes = (record.ended - record.began) / 60
    drilled = {finding.alarm.title for finding in verdict.findings}
    return Table(
        title=f"{len(drilled)} alarms of {record.env} in {minutes:.0f} minutes",
        columns=(
            "alarm", "severity", "fault", "how", "red after", "message after", "over after", "false alarms beside it",
            "what did not hold",
        ),
        rows=tuple(
            Row(
                cells=(
                    finding.alarm.title,
                    finding.alarm.severity or "machines",
                    finding.attempt.fault.says,
                    _how(finding.attempt),
                    _seconds(finding.fires),
                    _message(finding),
                    _seconds(finding.clears),
                    ", ".join(_beside(verdict, finding.attempt)) or "none",
                    "; ".join(finding.wrong),
                ),
                ok=not finding.wrong,
            )
            for finding in verdict.findings
        )
        + tuple(
            Row(cells=(title, *(_NOTHING,) * 7, "has no drill"), ok=False) for title in verdict.undrilled
        ),
    )  # fmt: skip


def _how(attempt: Attempt) -> str:
    return f"fed: {attempt.fault.because}" if attempt.fault.how == "fed" else "real"


def _message(finding: Finding) -> str:
    if not finding.alarm.topics:
        return "acts" if finding.alarm.scales else "silent"
    return _seconds(finding.told)


def _beside(verdict: Verdict, attempt: Attempt) -> list[str]:
    return [one.alarm for one in verdict.false_alarms if attempt.fault.name in one.beside]


def _pages(verdict: Verdict) -> Table:
    return Table(
        title="One cause, one page",
        columns=("fault", "P0 alarms that were red", "paged"),
        rows=tuple(
            Row(
                cells=(page.attempt.fault.says, ", ".join(page.red), ", ".join(page.messages) or "nobody"),
                ok=page.once,
            )
            for page in verdict.pages
        ),
    )


def _false_alarms(record: Record, verdict: Verdict) -> Table:
    return Table(
        title="Red though no fault explains it",
        columns=("alarm", "at", "faults of the time"),
        rows=tuple(
            Row(cells=(one.alarm, f"{(one.at - record.began) / 60:.1f} min", ", ".join(one.beside)), ok=False)
            for one in verdict.false_alarms
        ),
    )


def _seconds(value: float | None) -> str:
    if value is None:
        return _NOTHING
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.1f} min"


def as_json(record: Record, verdict: Verdict) -> dict[str, Any]:
    """The content of summary.json."""
    return {
        "ok": verdict.ok,
        "interrupted": verdict.interrupted,
        "environment": record.env,
        "minutes": round((record.ended - record.began) / 60, 1),
        "machine_load": round(record.machine, 1),
        "alarms": [_one(verdict, finding) for finding in verdict.findings],
        "undrilled": list(verdict.undrilled),
        "pages": [
            {"fault": page.attempt.fault.name, "once": page.once, "paged": list(page.messages), "red": list(page.red)}
            for page in verdict.pages
        ],
        "false_alarms": [
            {"alarm": one.alarm, "minute": round((one.at - record.began) / 60, 1), "faults": list(one.beside)}
            for one in verdict.false_alarms
        ],
    }


def _one(verdict: Verdict, finding: Finding) -> dict[str, Any]:
    fault = finding.attempt.fault
    return {
        "alarm": finding.alarm.title,
        "severity": finding.alarm.severity,
        "fault": fault.name,
        "says": fault.says,
        "how": fault.how,
        "because": fault.because,
        "seconds_to_red": _rounded(finding.fires),
        "seconds_to_message": _rounded(finding.told),
        "seconds_to_over": _rounded(finding.clears),
        "false_alarms": _beside(verdict, finding.attempt),
        "wrong": list(finding.wrong),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
