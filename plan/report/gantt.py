"""The schedule as a self-contained SVG."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from plan.report.words import minutes
from plan.time.schedule import Bar, Schedule

_LEFT, _WIDTH, _RIGHT, _ROW, _TOP = 330, 560, 110, 22, 46
_SHORT = 15
"""Seconds below which a step is drawn only if the end waits for it."""

_MOST = 70
"""Rows; the longest are drawn."""

_STYLE = """
.gantt text { font: 12px system-ui, sans-serif; fill: #1c2733; }
.gantt .stack { font-weight: 600; }
.gantt .axis { fill: #51606f; }
.gantt .grid { stroke: #dfe5ea; }
.gantt .bar { fill: #9db8d2; }
.gantt .critical { fill: #b3470f; }
"""


def as_svg(schedule: Schedule) -> str:
    """Steps over time, those that the end waits for in another colour and marked; empty without steps."""
    if not schedule.bars:
        return ""
    rows = _rows(schedule)
    height = _TOP + _ROW * len(rows) + 34
    total = _LEFT + _WIDTH + _RIGHT
    title = f"Deploy of about {minutes(schedule.typical)}, {len(schedule.critical)} steps on the critical path"
    size = f'viewBox="0 0 {total} {height}" width="{total}" height="{height}"'
    lines = [
        f'<svg class="gantt" xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="gantt-title">',
        f'<title id="gantt-title">{escape(title)}</title>',
        f"<style>{_STYLE}</style>",
        f'<rect width="{total}" height="{height}" fill="#fff"/>',
        *_axis(schedule, height),
    ]
    for index, row in enumerate(rows):
        y = _TOP + index * _ROW
        if isinstance(row, str):
            lines.append(f'<text class="stack" x="8" y="{y + 15}">{escape(row)}</text>')
        else:
            lines.extend(_bar(row, schedule, y))
    y = height - 12
    lines += [
        f'<rect class="critical" x="8" y="{y - 10}" width="14" height="11"/>',
        f'<text x="28" y="{y}">◆ the end waits for it</text>',
        f'<rect class="bar" x="190" y="{y - 10}" width="14" height="11"/>',
        f'<text x="210" y="{y}">has time to spare</text>',
        "</svg>",
    ]
    return "\n".join(lines)


def _rows(schedule: Schedule) -> list[str | Bar]:
    """Stacks, each followed by its steps."""
    worth = [bar for bar in schedule.bars if bar.critical or bar.end - bar.start >= _SHORT]
    kept = sorted(worth, key=lambda bar: (not bar.critical, bar.start - bar.end))[:_MOST]
    chosen = {id(bar) for bar in kept}
    rows: list[str | Bar] = []
    for stack in schedule.stacks:
        bars = [bar for bar in schedule.bars if bar.step.stack == stack and id(bar) in chosen]
        rows += [stack, *bars] if bars else []
    return rows


def _axis(schedule: Schedule, height: int) -> Iterator[str]:
    steps = (10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
    step = next((one for one in steps if schedule.typical / one <= 8), 14400)
    at = 0
    while at <= schedule.typical:
        x = _x(at, schedule)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8}" y2="{height - 32}"/>'
        yield f'<text class="axis" x="{x:.1f}" y="{_TOP - 16}" text-anchor="middle">{minutes(at)}</text>'
        at += step


def _bar(bar: Bar, schedule: Schedule, y: int) -> Iterator[str]:
    start, end = _x(bar.start, schedule), _x(bar.end, schedule)
    label = bar.step.label.removeprefix(f"{bar.step.stack}/")
    short = label if len(label) <= 42 else f"{label[:18]}…{label[-22:]}"
    seconds = bar.step.duration
    told = (
        f"{label}: {minutes(seconds.low)} to {minutes(seconds.high)}, typically {minutes(seconds.typical)}; "
        f"{seconds.source}, {seconds.confidence} confidence"
    )
    yield f"<g><title>{escape(told)}</title>"
    yield f'<text x="{_LEFT - 8}" y="{y + 15}" text-anchor="end">{"◆ " if bar.critical else ""}{escape(short)}</text>'
    yield (
        f'<rect class="{"critical" if bar.critical else "bar"}" x="{start:.1f}" y="{y + 4}" '
        f'width="{max(1.5, end - start):.1f}" height="{_ROW - 8}" rx="2"/>'
    )
    yield f'<text x="{end + 5:.1f}" y="{y + 15}">{minutes(bar.end - bar.start)}</text></g>'


def _x(seconds: float, schedule: Schedule) -> float:
    return _LEFT + _WIDTH * seconds / max(1.0, schedule.typical)
