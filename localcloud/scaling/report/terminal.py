"""The outcome as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from localcloud.scaling.outcome import Outcome, Result, duration

_HEAD = ("service", "trace", "tasks", "changes", "above 85 %", "worst latency", "USD", "of the maximum's", "")


def as_text(outcome: Outcome) -> str:
    """A line for each trace, then what does not hold."""
    with_ = f", with {' and '.join(outcome.extras)}" if outcome.extras else ""
    lines = [f"{outcome.environment}: {outcome.policy}{with_}", ""]
    lines += _table([_HEAD, *(_row(result) for result in outcome.results)])
    failed = [(result, check) for result in outcome.results for check in result.checks if not check.ok]
    for result, check in failed:
        relation = "at least" if check.least else "at most"
        found = f"{check.name} is {check.number:.4g} {check.unit}, {relation} {check.bound:.4g} allowed"
        lines += ["", f"FAILED  {result.run.service.name}, {result.run.trace.name}: {found}", f"        {check.reason}"]
    lines += ["", "Latencies and costs are estimates (docs/scaling.md)."]
    return "\n".join(lines)


def _row(result: Result) -> tuple[str, ...]:
    tasks = [minute.desired for minute in result.run.minutes]
    return (
        result.run.service.name,
        result.run.trace.name,
        f"{min(tasks)} to {max(tasks)}" if min(tasks) != max(tasks) else str(max(tasks)),
        str(len(result.run.activities)),
        f"{result.busy_minutes} min",
        duration(result.worst_latency),
        f"{result.cost:.2f}",
        f"{100 * result.cost / result.cost_of_most:.0f} %",
        "ok" if result.ok else "FAILED",
    )


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
