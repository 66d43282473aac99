"""A plan for a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plan.changes import Change, Kind
from plan.outcome import Outcome
from plan.report import words
from plan.security.finding import Direction

_LENGTH = 60_000
"""Characters: GitHub takes 65 536 in a comment."""


_IN_CODE = str.maketrans({"`": "’", "|": "¦", "<": "("})


def as_markdown(outcome: Outcome) -> str:
    """All sections; the end is cut off where a comment could not hold it, and says so."""
    text = words.printable("\n".join(_lines(outcome)))
    if len(text) <= _LENGTH:
        return text + "\n"
    return text[:_LENGTH].rsplit("\n", 1)[0] + "\n\n… cut off: the whole is in plan.html and summary.json\n"


def _lines(outcome: Outcome) -> Iterator[str]:
    yield f"## Plan for {_text(outcome.environment.name)}: {'ok' if outcome.ok else 'refused'}"
    yield ""
    yield _text(words.headline(outcome))
    yield ""
    for one in outcome.judgement.refusals:
        yield f"> **{_text(words.refusal(one))}**"
        for reason in one.reasons:
            yield f"> - {_text(reason)}"
        if not one.allowed:
            yield f"> - {_text(words.remedy(one, outcome))}"
        yield ""
    yield from _changes(outcome)
    yield from _security(outcome)
    yield from _interruptions(outcome)
    yield from _cost(outcome)
    yield from _time(outcome)
    for note in words.notes(outcome):
        yield f"- {_text(note)}"
    yield ""
    yield f"_{_text(words.ESTIMATE)}_"


def _changes(outcome: Outcome) -> Iterator[str]:
    if outcome.comparison.changes:
        yield "### Resources"
        yield ""
        rows = [
            (
                _kind(one),
                _code(outcome.comparison.path(one.resource)),
                one.resource.type,
                "<br>".join(_text(line) for line in words.details(one)),
            )
            for one in outcome.comparison.changes
        ]
        yield from _table(("", "resource", "type", "what differs"), rows)
    if line := words.noise(outcome):
        yield f"{_text(line)}"
        yield ""


def _kind(change: Change) -> str:
    """In bold where something goes away."""
    gone = change.kind not in (Kind.ADDED, Kind.CHANGED)
    return f"**{change.kind.value}**" if gone else change.kind.value


def _security(outcome: Outcome) -> Iterator[str]:
    if not outcome.findings:
        return
    yield "### Security"
    yield ""
    for one in outcome.findings[: words.MOST_FINDINGS]:
        sign = "🔓" if one.direction is Direction.WIDER else "🔒"
        yield f"- {sign} {_code(one.path)}: {_text(one.text)}"
    if (more := len(outcome.findings) - words.MOST_FINDINGS) > 0:
        yield f"- … and {more} more in summary.json"
    yield ""


def _interruptions(outcome: Outcome) -> Iterator[str]:
    if not outcome.interruptions:
        return
    yield "### Interruptions expected"
    yield ""
    rows = [
        (_code(one.path), _text(one.text), words.lasting(one), _text(one.when or "during the deploy"),
         f"{_text(one.source)} ({one.confidence} confidence)")
        for one in outcome.interruptions
    ]  # fmt: skip
    yield from _table(("resource", "what", "how long", "when", "source"), rows)


def _cost(outcome: Outcome) -> Iterator[str]:
    bills = outcome.bills
    old, new = bills.before.total, bills.after.total
    yield "### Cost in USD a month (estimate)"
    yield ""
    rows = [
        (name, words.span(bills.old(name)), words.span(bills.new(name)),
         words.change_of(bills.new(name) - bills.old(name)))
        for name in bills.services
    ]  # fmt: skip
    rows.append(("**together**", words.span(old), words.span(new), f"**{words.change_of(new - old)}**"))
    if outcome.per_day:
        old, new = words.a_day(old), words.a_day(new)
        rows.append(("**a day**", words.span(old), words.span(new), words.change_of(new - old)))
    yield from _table(("service", "before", "after", "change"), rows, right=(1, 2, 3))
    yield _text(words.budget(outcome))
    yield ""
    for one in bills.after.unpriced:
        yield f"- not priced: {_code(one.path)} ({one.resource_type}): {_text(one.why)}"
    yield ""


def _time(outcome: Outcome) -> Iterator[str]:
    plan = outcome.schedule
    if not plan.bars:
        return
    yield "### Time of the deploy (estimate)"
    yield ""
    yield f"About **{words.minutes(plan.typical)}** ({words.minutes(plan.low)} to {words.minutes(plan.high)})."
    yield ""
    rows = [
        (words.minutes(bar.start), _code(bar.step.label), words.minutes(bar.end - bar.start),
         _text(bar.step.duration.source))
        for bar in plan.critical
    ]  # fmt: skip
    yield from _table(("at", "the end waits for", "takes", "source"), rows, right=(0, 2))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "|".join("---:" if column in right else "---" for column in range(len(head))) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _text(value: str) -> str:
    """Text that Markdown takes as it is."""
    value = " ".join(value.split()).replace("&", "&amp;").replace("<", "&lt;").replace("\\", "\\\\")
    for sign in "|*_`[]@#":
        value = value.replace(sign, f"\\{sign}")
    return value


def _code(value: str) -> str:
    """A path; a code span has no escapes, so what would end it or a cell is replaced."""
    return f"`{' '.join(value.split()).translate(_IN_CODE)}`"
