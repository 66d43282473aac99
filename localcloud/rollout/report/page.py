"""Rehearsals as one HTML page: no script, nothing loaded from elsewhere, light and dark, readable on paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape

from localcloud.document import document
from localcloud.rollout.report.plot import as_svg
from localcloud.rollout.report.summary import Judged

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2733; --soft: #51606f; --line: #dfe5ea; --paper: #fff; --bad: #9c1c1c;
  --good: #1d6b3a; --old: #7fa3c7; --new: #e0a13c; --failed: #b3261e; --mark: #51606f; --stage: #e6ecf2;
  --back: #f3dcd9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ee; --soft: #a9b5c1; --line: #36424e; --paper: #14191f;
  --bad: #c94f4f; --good: #2f8d54; --old: #5c86b0; --new: #d69a36; --failed: #ff6b5e; --mark: #93a1af;
  --stage: #27323d; --back: #4d2b29; } }
@media print { :root { color-scheme: light; --ink: #000; --soft: #333; --line: #ccc; --paper: #fff; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 68rem; padding: 1.5rem; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2.6rem; }
.state { display: inline-block; padding: .05rem .6rem; border-radius: .3rem; color: #fff; background: var(--good);
  white-space: nowrap; }
.state.no { background: var(--bad); } .soft { color: var(--soft); }
table { border-collapse: collapse; width: 100%; margin: .8rem 0; } caption { text-align: left; color: var(--soft); }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); }
td { overflow-wrap: break-word; } th { font-weight: 600; } td.held { white-space: nowrap; }
a { color: inherit; } ol.events { columns: 2; column-gap: 2rem; padding-left: 2rem; font-size: .9rem; }
ol.events li { break-inside: avoid; } .scroll { overflow-x: auto; } code { font: .9em ui-monospace, monospace; }
.plot { min-width: 46rem; max-width: 100%; height: auto; }
.plot text { font: 12px system-ui, sans-serif; fill: var(--ink); } .plot .name { font-weight: 600; }
.plot .tick { fill: var(--soft); } .plot .grid { stroke: var(--line); }
.plot .old { fill: var(--old); } .plot .new { fill: var(--new); } .plot .failed { fill: var(--failed); }
.plot .area { opacity: .75; } .plot .stage { fill: var(--stage); stroke: var(--soft); stroke-width: .5; }
.plot .back { fill: var(--back); } .plot .in-stage { font-size: 10px; }
.plot .p50, .plot .p99, .plot .line { fill: none; stroke-width: 1.6; stroke: var(--ink); }
.plot .p99 { stroke-dasharray: 5 3; } .plot .old-line { stroke: var(--old); stroke-width: 2.4; }
.plot .new-line { stroke: var(--new); stroke-width: 2.4; stroke-dasharray: 7 3; }
.plot .mark { stroke: var(--mark); stroke-dasharray: 2 4; } .plot .number { font-size: 11px; fill: var(--soft); }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } .scroll { overflow: visible; }
  section { break-before: page; } .plot { min-width: 0; } * { print-color-adjust: exact; } }
"""


def as_html(rehearsals: Sequence[Judged], *, env: str, at: datetime) -> str:
    """The whole page."""
    ok = bool(rehearsals) and all(one.ok for one in rehearsals)
    sections = "\n".join(line for one in rehearsals for line in _section(one))
    body = f"""<main>
<h1>Rollouts rehearsed on {escape(env)} {_state(ok)}</h1>
<p class="soft">On the local cloud, {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC. What the figures mean: docs/rollout.md</p>
{"".join(_overview(rehearsals))}
{sections}
</main>"""
    return document(title=f"Rollouts rehearsed on {env}", style=_STYLE, body=body)


def _state(ok: bool) -> str:
    return '<span class="state">ok</span>' if ok else '<span class="state no">not ok</span>'


def _overview(rehearsals: Sequence[Judged]) -> Iterator[str]:
    yield '<div class="scroll"><table><caption>All rehearsals of this run</caption><thead><tr>'
    for head in ("", "rehearsal", "strategy", "requests", "failed", "receipts", "what did not hold"):
        yield f'<th scope="col">{head}</th>'
    yield "</tr></thead><tbody>"
    for one in rehearsals:
        record = one.record
        wrong = "; ".join(check.name for check in one.checks if not check.holds)
        failed = sum(not answer.good for answer in record.answers)
        yield f"<tr><td>{_state(one.ok)}</td>"
        yield f'<td><a href="#{_anchor(one)}">{escape(record.scenario)}</a>: {escape(record.says)}</td>'
        yield f"<td>{escape(record.strategy)}</td><td>{len(record.answers)}</td><td>{failed}</td>"
        yield f"<td>{record.promised}</td><td>{escape(wrong)}</td></tr>"
    yield "</tbody></table></div>"


def _section(judged: Judged) -> Iterator[str]:
    record = judged.record
    anchor = _anchor(judged)
    yield f'<section aria-labelledby="{anchor}">'
    yield f'<h2 id="{anchor}">{escape(record.scenario)}, {escape(record.strategy)} {_state(judged.ok)}</h2>'
    yield f"<p>{escape(record.says[:1].upper() + record.says[1:])}, in {record.ended - record.began:.0f} s: "
    yield f"from release <code>{escape(record.old_release[:12])}</code> "
    yield f"to <code>{escape(record.new_release[:12])}</code>.</p>"
    yield f'<div class="scroll">{as_svg(record)}</div>'
    yield '<div class="scroll"><table><caption>What had to hold</caption><tbody>'
    for check in judged.checks:
        held = "holds" if check.holds else "<strong>does not hold</strong>"
        yield f'<tr><th scope="row">{escape(check.name)}</th><td class="held">{held}</td>'
        yield f"<td>{escape(check.said)}</td></tr>"
    yield "</tbody></table></div>"
    yield '<ol class="events">'
    for event in record.events:
        yield f"<li>{event.at - record.began:.0f} s: {escape(event.text)}</li>"
    yield "</ol>"
    if record.cli_error:
        yield f"<details><summary>What the CDK CLI said</summary><pre>{escape(record.cli_error)}</pre></details>"
    yield "</section>"


def _anchor(judged: Judged) -> str:
    return f"{judged.record.scenario}-{judged.record.strategy}"
