"""One dashboard as one HTML file that needs nothing else: the plots' data and the script that draws them are in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from localcloud import layout
from localcloud.dashboards.definition import AlarmStates, Dashboard, Metrics, Place, Text, Widget
from localcloud.dashboards.reading import AlarmState, Drawn
from localcloud.document import document

_UPLOT = layout.REPOSITORY / "node_modules" / "uplot" / "dist"
_HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A dashboard with what its widgets show, by their index."""

    dashboard: Dashboard
    drawn: Mapping[int, Drawn]
    states: Mapping[int, Sequence[AlarmState]]
    at: datetime


def as_html(filled: Filled, *, others: Sequence[str]) -> str:
    """The page; `others` are the names of all dashboards, for the links between them."""
    name = filled.dashboard.name
    links = " ".join(
        f'<a href="{escape(other)}.html"{" aria-current=page" if other == name else ""}>{escape(other)}</a>'
        for other in others
    )
    widgets = "\n".join(_widget(filled, number) for number in range(len(filled.dashboard.widgets)))
    script = (_UPLOT / "uPlot.iife.min.js").read_text() + "\n" + (_HERE / "page.js").read_text()
    style = (_UPLOT / "uPlot.min.css").read_text() + "\n" + (_HERE / "page.css").read_text()
    body = f"""<nav aria-label="Dashboards">{links}</nav>
<h1>{escape(name)}</h1>
<p class="soft">{_hours(filled.dashboard)} up to {filled.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC</p>
<main>
{widgets}
</main>
<script>{script}</script>"""
    return document(title=name, style=style, body=body, scripts=True)


def _hours(dashboard: Dashboard) -> str:
    hours = dashboard.back.total_seconds() / 3600
    return "The last hour" if hours == 1 else f"The last {hours:g} hours"


def _widget(filled: Filled, number: int) -> str:
    widget: Widget = filled.dashboard.widgets[number]
    match widget:
        case Text():
            title, _, rest = widget.markdown.partition("\n")
            return (
                f"<div{_at(widget.place)}><h2>{escape(title.lstrip('# '))}</h2><p class=soft>{escape(rest)}</p></div>"
            )
        case AlarmStates():
            return _alarms(widget, filled.states[number])
        case Metrics():
            drawn = filled.drawn[number]
            return _numbers(widget, drawn) if widget.single else _plot(widget, drawn, filled)


def _alarms(widget: AlarmStates, states: Sequence[AlarmState]) -> str:
    items = "".join(_alarm(one, _short(one, states)) for one in states)
    return (
        f'<section class="alarms"{_at(widget.place)}><h3>{escape(widget.title)}</h3><ul class="states">{items}</ul>'
        "</section>"
    )


def _alarm(one: AlarmState, name: str) -> str:
    said = name if one.state == "OK" else f"{name} · {one.state}"
    return f'<li class="{escape(one.state)}" title="{escape(one.state)}: {escape(one.reason)}">{escape(said)}</li>'


def _short(one: AlarmState, states: Sequence[AlarmState]) -> str:
    """A name without the environment that all of them begin with."""
    prefix = "-".join(one.name.split("-")[:2]) + "-"
    return one.name.removeprefix(prefix) if all(other.name.startswith(prefix) for other in states) else one.name


def _numbers(widget: Metrics, drawn: Drawn) -> str:
    labels = [line.label for line in widget.lines if line.shown]
    numbers = "".join(
        f'<p><span class="number">{"–" if value is None else f"{value:.4g}"}</span> '
        f'<span class="soft">{escape(label)}</span></p>'
        for label, value in zip(labels, drawn.latest, strict=True)
    )
    return f"<figure{_at(widget.place)}><figcaption>{escape(widget.title)}</figcaption>{numbers}</figure>"


def _plot(widget: Metrics, drawn: Drawn, filled: Filled) -> str:
    caption = f"<figcaption>{escape(widget.title)}</figcaption>"
    if not drawn.times:
        return f'<figure{_at(widget.place)}>{caption}<p class="empty">no data</p></figure>'
    until = filled.at.timestamp()
    shown = [line for line in widget.lines if line.shown]
    data = {
        "from": until - (widget.back or filled.dashboard.back).total_seconds(),
        "to": until,
        "times": drawn.times,
        "values": drawn.values,
        "lines": [{"label": line.label, "right": line.right} for line in shown],
        "marks": [{"value": mark.value, "label": mark.label, "right": mark.right} for mark in widget.marks],
    }
    written = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    said = ", ".join(
        f"{line.label} {'–' if value is None else f'{value:.4g}'}"
        for line, value in zip(shown, drawn.latest, strict=True)
    )
    return (
        f'<figure class="lines"{_at(widget.place)}>{caption}<div class="plot" role="img" '
        f'aria-label="{escape(widget.title)}, last: {escape(said)}"></div>'
        f'<script type="application/json">{written}</script></figure>'
    )


def _at(place: Place) -> str:
    return f' style="--x:{place.x + 1};--w:{place.width}"'
