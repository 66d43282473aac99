"""A plan for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plan.outcome import Outcome
from plan.report import words
from plan.security.finding import Direction


def as_text(outcome: Outcome) -> str:
    """All sections."""
    lines = [words.headline(outcome), ""]
    for title, body in _sections(outcome):
        if body:
            lines += [title, *(f"  {line}" for line in body), ""]
    return words.printable("\n".join(lines).rstrip()) + "\n"


def _sections(outcome: Outcome) -> Iterator[tuple[str, list[str]]]:
    yield "Not allowed" if not outcome.ok else "Allowed by name", list(_refusals(outcome))
    yield "Resources", list(_changes(outcome))
    yield "Security", list(_security(outcome))
    yield (
        "Interruptions expected",
        [
            f"{one.path}: {one.text}; {words.lasting(one)}{f', {one.when}' if one.when else ''} [{one.source}]"
            for one in outcome.interruptions
        ],
    )
    yield "Cost in USD a month (estimate)", list(_cost(outcome))
    yield "Time of the deploy (estimate)", list(_time(outcome))
    yield "Notes", [*words.notes(outcome), words.ESTIMATE]


def _refusals(outcome: Outcome) -> Iterator[str]:
    for one in outcome.judgement.refusals:
        yield words.refusal(one)
        for reason in one.reasons:
            yield f"  - {reason}"
        if not one.allowed:
            yield f"  - {words.remedy(one, outcome)}"


def _changes(outcome: Outcome) -> Iterator[str]:
    for change in outcome.comparison.changes:
        yield f"{change.kind.value:15} {outcome.comparison.path(change.resource)}  ({change.resource.type})"
        for line in words.details(change):
            yield f"{'':15}   {line}"
    if line := words.noise(outcome):
        yield line


def _security(outcome: Outcome) -> Iterator[str]:
    for one in outcome.findings[: words.MOST_FINDINGS]:
        yield f"{'+' if one.direction is Direction.WIDER else '-'} {one.path}: {one.text}"
    if (more := len(outcome.findings) - words.MOST_FINDINGS) > 0:
        yield f"… and {more} more in out/plan/summary.json"


def _cost(outcome: Outcome) -> Iterator[str]:
    bills = outcome.bills
    rows = [("service", "before", "after", "change")]
    rows += [
        (name, words.span(bills.old(name)), words.span(bills.new(name)),
         words.change_of(bills.new(name) - bills.old(name)))
        for name in bills.services
    ]  # fmt: skip
    old, new = bills.before.total, bills.after.total
    rows.append(("together", words.span(old), words.span(new), words.change_of(new - old)))
    if outcome.per_day:
        old, new = words.a_day(old), words.a_day(new)
        rows.append(("a day", words.span(old), words.span(new), words.change_of(new - old)))
    yield from table(rows)
    yield words.budget(outcome)
    for path, before, after in bills.differences[:15]:
        yield f"{path}: {words.span(before)} → {words.span(after)}"
    for one in bills.after.unpriced:
        yield f"not priced: {one.path} ({one.resource_type}): {one.why}"


def _time(outcome: Outcome) -> Iterator[str]:
    plan = outcome.schedule
    if not plan.bars:
        return
    low, typical, high = (words.minutes(seconds) for seconds in (plan.low, plan.typical, plan.high))
    yield f"about {typical} ({low} to {high}); what it waits for:"
    for bar in plan.critical:
        took = words.minutes(bar.end - bar.start)
        label = (
            bar.step.label if bar.step.label.startswith(f"{bar.step.stack}/") else f"{bar.step.stack}: {bar.step.label}"
        )
        yield f"{words.minutes(bar.start):>9}  {label}, {took}"


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns side by side: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        yield "  ".join(cells).rstrip()
