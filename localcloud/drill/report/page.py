"""Tables as one HTML page: no script, nothing loaded from elsewhere, light and dark, readable on paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from localcloud.document import document
from localcloud.drill.report.table import Table

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2733; --soft: #51606f; --line: #dfe5ea; --paper: #fff; --bad: #9c1c1c;
  --good: #1d6b3a; --marked: #fbeeed; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ee; --soft: #a9b5c1; --line: #36424e; --paper: #14191f;
  --bad: #c94f4f; --good: #2f8d54; --marked: #3a2423; } }
@media print { :root { color-scheme: light; --ink: #000; --soft: #333; --line: #ccc; --paper: #fff; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 90rem; padding: 1.5rem; }
h1 { font-size: 1.6rem; line-height: 1.25; } .soft { color: var(--soft); }
.state { display: inline-block; padding: .05rem .6rem; border-radius: .3rem; color: #fff; background: var(--good); }
.state.no { background: var(--bad); }
table { border-collapse: collapse; width: 100%; margin: 1.6rem 0; font-size: .9rem; }
caption { text-align: left; font-size: 1.2rem; font-weight: 600; padding: .4rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); }
tr.no { background: var(--marked); } .scroll { overflow-x: auto; }
@media print { body { max-width: none; padding: 0; font-size: 9pt; } * { print-color-adjust: exact; } }
"""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is a page's own: `guide` says what its columns mean; `pictures` are SVG, which `style` is for."""

    guide: str
    pictures: Sequence[str] = ()
    style: str = ""


def as_html(tables: Sequence[Table], *, title: str, ok: bool, at: datetime, look: Look) -> str:
    """The whole page."""
    state = '<span class="state">ok</span>' if ok else '<span class="state no">not ok</span>'
    body = f"""<main>
<h1>{escape(title)} {state}</h1>
<p class="soft">On the local cloud, {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC.
What the columns mean: {escape(look.guide)}</p>
{"".join(look.pictures)}
{"".join(line for table in tables for line in _table(table))}
</main>"""
    return document(title=title, style=_STYLE + look.style, body=body)


def _table(table: Table) -> Iterator[str]:
    yield f'<div class="scroll"><table><caption>{escape(table.title)}</caption><thead><tr>'
    for column in table.columns:
        yield f'<th scope="col">{escape(column)}</th>'
    yield "</tr></thead><tbody>\n"
    for row in table.rows:
        first, *rest = (escape(cell) for cell in row.cells)
        kind = "" if row.ok else ' class="no"'
        yield f'<tr{kind}><th scope="row">{first}</th>'
        yield "".join(f"<td>{cell}</td>" for cell in rest)
        yield "</tr>\n"
    yield "</tbody></table></div>\n"
