"""A plan as one HTML page: no script, nothing loaded from elsewhere, readable on paper and by screen readers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from plan.cost.lines import Line
from plan.outcome import Outcome
from plan.report import words
from plan.report.gantt import as_svg
from plan.security.finding import Direction

_STYLE = """
:root { color-scheme: light; --ink: #1c2733; --soft: #51606f; --line: #dfe5ea; --bad: #9c1c1c; --good: #1d6b3a; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: #fff; margin: 0 auto; max-width: 66rem;
  padding: 1.5rem; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
nav a { margin-right: 1rem; } a { color: #0b4f8a; }
.state { display: inline-block; padding: .1rem .6rem; border-radius: .3rem; color: #fff; background: var(--good); }
.state.no { background: var(--bad); }
.refusal { border-left: .35rem solid var(--bad); padding: .2rem 1rem; margin: 1rem 0; background: #fbf1f1; }
.refusal.allowed { border-color: #a86a00; background: #fdf6e7; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0; } caption { text-align: left; color: var(--soft); }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
tfoot th, tfoot td { font-weight: 600; border-top: 2px solid var(--soft); }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
td:last-child:not(.number) { overflow-wrap: anywhere; min-width: 14rem; }
td code { display: inline-block; min-width: min(14rem, 35vw); }
.soft { color: var(--soft); font-size: .9em; } .scroll { overflow-x: auto; } details { margin: .8rem 0; }
summary { cursor: pointer; } ul.plain { list-style: none; padding: 0; } svg { max-width: 100%; height: auto; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } nav { display: none; }
  .scroll { overflow: visible; }
  h2 { break-after: avoid; } tr, .refusal { break-inside: avoid; } details > * { display: block; } }
"""


def as_html(outcome: Outcome) -> str:
    """The whole page."""
    name = escape(outcome.environment.name)
    state = '<span class="state">ok</span>' if outcome.ok else '<span class="state no">refused</span>'
    sections = [one for one in _sections(outcome) if one[2]]
    links = "".join(f'<a href="#{key}">{title}</a>' for key, title, _ in sections)
    body = "\n".join(
        f'<section aria-labelledby="{key}"><h2 id="{key}">{title}</h2>\n{content}\n</section>'
        for key, title, content in sections
    )
    page = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Plan for {name}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Plan for {name} {state}</h1>
<p>{escape(words.headline(outcome))}</p>
<nav aria-label="Sections">{links}</nav>
{body}
<p class="soft">{escape(words.ESTIMATE)}</p>
</main>
</body>
</html>
"""
    return words.printable(page)


def _sections(outcome: Outcome) -> Iterator[tuple[str, str, str]]:
    yield "refused", "What may not be lost", "\n".join(_refusals(outcome))
    yield "resources", "Resources", "\n".join(_changes(outcome))
    yield "security", "Security", "\n".join(_security(outcome))
    yield "interruptions", "Interruptions expected", "\n".join(_interruptions(outcome))
    yield "cost", "Cost a month (estimate)", "\n".join(_cost(outcome))
    yield "time", "Time of the deploy (estimate)", "\n".join(_time(outcome))
    notes = "".join(f"<li>{escape(note)}</li>" for note in words.notes(outcome))
    yield "notes", "Notes", f"<ul>{notes}</ul>" if notes else ""


def _refusals(outcome: Outcome) -> Iterator[str]:
    for one in outcome.judgement.refusals:
        kind = "refusal allowed" if one.allowed else "refusal"
        yield f'<div class="{kind}"><p><strong>{escape(words.refusal(one))}</strong></p>'
        reasons = [*one.reasons, *([] if one.allowed else [words.remedy(one, outcome)])]
        yield f"<ul>{''.join(f'<li>{escape(reason)}</li>' for reason in reasons)}</ul></div>"


def _changes(outcome: Outcome) -> Iterator[str]:
    if outcome.comparison.changes:
        yield from _table(
            "Resources of all stacks",
            ("what", "resource", "type", "what differs"),
            [
                (
                    escape(one.kind.value),
                    _code(outcome.comparison.path(one.resource)),
                    _breaking(escape(one.resource.type), "::"),
                    "<br>".join(escape(line) for line in words.details(one)),
                )
                for one in outcome.comparison.changes
            ],
        )
    if line := words.noise(outcome):
        yield f"<p>{escape(line)}</p>"


def _security(outcome: Outcome) -> Iterator[str]:
    if not outcome.findings:
        return
    rows = [
        ("wider" if one.direction is Direction.WIDER else "narrower", _code(one.path), escape(one.text))
        for one in outcome.findings[: words.MOST_FINDINGS]
    ]
    yield from _table("Who may newly reach or do what, and what not any more", ("", "where", "what"), rows)
    if (more := len(outcome.findings) - words.MOST_FINDINGS) > 0:
        yield f"<p>… and {more} more in summary.json</p>"


def _interruptions(outcome: Outcome) -> Iterator[str]:
    if outcome.interruptions:
        yield from _table(
            "What people notice while the change is made",
            ("resource", "what", "how long", "when", "source"),
            [
                (
                    _code(one.path),
                    escape(one.text),
                    escape(words.lasting(one)),
                    escape(one.when or "during the deploy"),
                    f"{escape(one.source)} ({one.confidence} confidence)",
                )
                for one in outcome.interruptions
            ],
        )


def _cost(outcome: Outcome) -> Iterator[str]:
    bills = outcome.bills
    old, new = bills.before.total, bills.after.total
    rows = [
        (escape(name), words.span(bills.old(name)), words.span(bills.new(name)),
         words.change_of(bills.new(name) - bills.old(name)))
        for name in bills.services
    ]  # fmt: skip
    foot = [("together", words.span(old), words.span(new), words.change_of(new - old))]
    if outcome.per_day:
        old, new = words.a_day(old), words.a_day(new)
        foot.append(("a day", words.span(old), words.span(new), words.change_of(new - old)))
    caption = "USD by service, from the least number of tasks to the most"
    yield from _table(caption, ("service", "before", "after", "change"), rows, numbers=(1, 2, 3), foot=foot)
    yield f"<p>{escape(words.budget(outcome))}</p>"
    if bills.differences:
        changed = [
            (_code(path), words.span(before), words.span(after), words.change_of(after - before))
            for path, before, after in bills.differences
        ]
        yield from _table(
            "What changes the bill", ("resource", "before", "after", "change"), changed, numbers=(1, 2, 3)
        )
    if bills.after.unpriced:
        unpriced = [(_code(one.path), escape(one.resource_type), escape(one.why)) for one in bills.after.unpriced]
        yield from _table("Not priced, and not in the sums", ("resource", "type", "why"), unpriced)
    yield f"<details><summary>All {len(bills.after.lines)} lines with assumptions and sources</summary>"
    head = ("item", "resource", "quantity", "USD a month", "price, source, date", "assumption")
    yield from _table("After the change", head, [_line(line) for line in bills.after.lines], numbers=(2, 3))
    yield "</details>"


def _line(line: Line) -> tuple[str, ...]:
    least, most = (f"{amount:,.4g}" if amount < 100 else f"{amount:,.0f}" for amount in (line.least, line.most))
    quantity = f"{least} to {most}" if line.least != line.most else most
    usd = (
        words.usd(line.most_usd)
        if line.least == line.most
        else f"{words.usd(line.least_usd)} to {words.usd(line.most_usd)}"
    )
    price = line.price
    per = f"{price.per:,} {price.unit}" if price.per > 1 else price.unit
    note = f"; {price.note}" if price.note else ""
    source = f"{price.source}, {price.date}, {price.confidence} confidence{note}"
    return (
        escape(f"{line.service}: {line.item}"),
        _code(line.path),
        escape(f"{quantity} {price.unit}"),
        usd,
        escape(f"{price.usd:g} for {per} in {price.region}; {source}"),
        escape(line.assumption),
    )


def _time(outcome: Outcome) -> Iterator[str]:
    plan = outcome.schedule
    if not plan.bars:
        return
    low, typical, high = (words.minutes(seconds) for seconds in (plan.low, plan.typical, plan.high))
    yield f"<p>About <strong>{typical}</strong> ({low} to {high}).</p>"
    yield f'<div class="scroll">{as_svg(plan)}</div>'
    rows = [
        (words.minutes(bar.start), _code(bar.step.label), words.minutes(bar.end - bar.start),
         f"{escape(bar.step.duration.source)} ({bar.step.duration.confidence} confidence)")
        for bar in plan.critical
    ]  # fmt: skip
    yield from _table("The critical path: a delay here delays the end", ("at", "step", "takes", "source"), rows)


def _table(
    caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = (),
    foot: Sequence[Sequence[str]] = (),
) -> Iterator[str]:  # fmt: skip
    """A table of cells that are HTML already; the last rows are sums."""

    def cell(tag: str, column: int, content: str) -> str:
        attributes = ' class="number"' if column in numbers else ""
        attributes += ' scope="col"' if tag == "th" else ""
        return f"<{tag}{attributes}>{content}</{tag}>"

    yield '<div class="scroll"><table>'
    yield f"<caption>{escape(caption)}</caption><thead><tr>"
    yield "".join(cell("th", column, escape(name)) for column, name in enumerate(head)) + "</tr></thead><tbody>"
    for row in rows:
        yield f"<tr>{''.join(cell('td', column, content) for column, content in enumerate(row))}</tr>"
    yield "</tbody>"
    if foot:
        sums = "".join(f"<tr>{''.join(cell('td', column, one) for column, one in enumerate(row))}</tr>" for row in foot)
        yield f"<tfoot>{sums}</tfoot>"
    yield "</table></div>"


def _code(value: str) -> str:
    """A path, which may break after its separators."""
    return f"<code>{_breaking(escape(value), '/')}</code>"


def _breaking(text: str, separator: str) -> str:
    return text.replace(separator, f"{separator}<wbr>")
