"""One rehearsal over time as an SVG: weights, requests, latency and healthy targets under one another."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from localcloud.rollout.judge import new_group
from localcloud.rollout.load.answers import Second, by_second
from localcloud.rollout.record import Record

_LEFT, _WIDTH, _RIGHT, _TOP = 64, 840, 130, 56
_PANEL, _GAP = 120, 44
_WINDOW = 10
"""Seconds that each percentile looks back."""

_FASTEST, _SLOWEST = 0.01, 15.0
"""Seconds at the ends of the latency scale, which is logarithmic."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A part of the picture: `y` of its top, and its largest value."""

    title: str
    y: float
    top: float = 1.0

    def at(self, value: float) -> float:
        return self.y + _PANEL * (1 - min(1.0, value / self.top))


def as_svg(record: Record) -> str:
    """The picture; it takes its colors from the page's variables, and says the same in its description."""
    seconds = by_second(record.answers, window=_WINDOW)
    span = max(1.0, record.ended - record.began)

    def x(moment: float) -> float:
        return _LEFT + _WIDTH * min(1.0, max(0.0, (moment - record.began) / span))

    most = max((second.count for second in seconds), default=1)
    targets = max((group.targets for snapshot in record.snapshots for group in snapshot.groups), default=1)
    panels = [
        Panel(title="traffic by weight (%)", y=_TOP, top=100),
        Panel(title="requests a second, by the version that answered", y=_TOP + _PANEL + _GAP, top=most),
        Panel(title=f"latency over {_WINDOW} s", y=_TOP + 2 * (_PANEL + _GAP)),
        Panel(title="healthy targets", y=_TOP + 3 * (_PANEL + _GAP), top=max(1, targets)),
    ]
    weights, requests, latency, health = panels
    height = round(panels[-1].y + _PANEL + 40)
    name = f"plot-{record.scenario}-{record.strategy}"
    total = _LEFT + _WIDTH + _RIGHT
    size = f'viewBox="0 0 {total} {height}" width="{total}" height="{height}"'
    named = f'role="img" aria-labelledby="{name}-title {name}-desc"'
    return "\n".join(
        [
            f'<svg class="plot" xmlns="http://www.w3.org/2000/svg" {size} {named}>',
            f'<title id="{name}-title">{escape(record.scenario)} with {escape(record.strategy)} over time</title>',
            f'<desc id="{name}-desc">{escape(_described(record, seconds))}</desc>',
            *_stages(record, x),
            *(line for panel in panels for line in _frame(panel)),
            *_time_axis(span, height),
            *_weights(record, weights, x),
            *_requests(record, seconds, requests, x, _WIDTH / span),
            *_latency(seconds, latency, x),
            *_health(record, health, x),
            *_marks(record, x, height),
            "</svg>",
        ]
    )


def _described(record: Record, seconds: Sequence[Second]) -> str:
    failed = sum(second.failed for second in seconds)
    slowest = max((second.p99 or 0.0 for second in seconds), default=0.0)
    return (
        f"{len(record.answers)} requests in {record.ended - record.began:.0f} s, {failed} failed, "
        f"p99 at most {slowest:.2f} s. The events are listed below."
    )


def _frame(panel: Panel) -> Iterator[str]:
    yield f'<text class="name" x="{_LEFT}" y="{panel.y - 8:.0f}">{escape(panel.title)}</text>'
    for share in (0.0, 1.0) if panel.title.startswith("latency") else (0.0, 0.5, 1.0):
        y = panel.y + _PANEL * (1 - share)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        if not panel.title.startswith("latency"):
            value = f"{panel.top * share:g}"
            yield f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value}</text>'


def _time_axis(span: float, height: int) -> Iterator[str]:
    step = next((each for each in (10, 30, 60, 120, 300, 600) if span / each <= 12), 1200)
    for at in range(0, int(span) + 1, step):
        x = _LEFT + _WIDTH * at / span
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{height - 40}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{height - 22}" text-anchor="middle">{at} s</text>'


def _stages(record: Record, x: Callable[[float], float]) -> Iterator[str]:
    """A strip above everything that names what ECS was doing."""
    runs: list[tuple[str, float, float]] = []
    for snapshot in record.snapshots:
        deployment = snapshot.deployment
        stage = deployment.stage if deployment and not deployment.over else ""
        if deployment and stage and deployment.status.startswith("ROLLBACK"):
            stage = f"ROLLBACK {stage}"
        if runs and runs[-1][0] == stage:
            runs[-1] = (stage, runs[-1][1], snapshot.at)
        else:
            runs.append((stage, runs[-1][2] if runs else snapshot.at, snapshot.at))
    for stage, start, end in runs:
        if stage:
            width = max(1.0, x(end) - x(start))
            kind = "stage back" if stage.startswith("ROLLBACK") else "stage"
            yield f'<rect class="{kind}" x="{x(start):.1f}" y="6" width="{width:.1f}" height="18" rx="2">'
            yield f"<title>{escape(stage)}, {end - start:.0f} s</title></rect>"
            if width > 7 * len(stage):
                yield f'<text class="in-stage" x="{x(start) + 4:.1f}" y="19">{escape(stage)}</text>'


def _steps(points: Sequence[tuple[float, float]]) -> str:
    """A line that keeps each value until the next one."""
    words = []
    for index, (x, y) in enumerate(points):
        words.append(f"M{x:.1f} {y:.1f}" if index == 0 else f"H{x:.1f}V{y:.1f}")
    return "".join(words)


def _weights(record: Record, panel: Panel, x: Callable[[float], float]) -> Iterator[str]:
    new = new_group(record)
    points = [(x(snapshot.at), panel.at(snapshot.weight(new) if new else 0)) for snapshot in record.snapshots]
    bottom, right = panel.y + _PANEL, points[-1][0]
    yield f'<rect class="old area" x="{points[0][0]:.1f}" y="{panel.y}" width="{right - points[0][0]:.1f}" '
    yield f'height="{_PANEL}"/>'
    yield f'<path class="new area" d="{_steps(points)}V{bottom:.1f}H{points[0][0]:.1f}Z"/>'
    yield from _key(panel, [("old", "old version"), ("new", "new version")])


def _requests(
    record: Record, seconds: Sequence[Second], panel: Panel, x: Callable[[float], float], width: float
) -> Iterator[str]:
    for second in seconds:
        new = second.releases.get(record.new_release, 0)
        old = second.count - new
        base = panel.y + _PANEL
        for kind, count in (("old", old), ("new", new)):
            tall = _PANEL * count / panel.top
            if tall:
                base -= tall
                yield f'<rect class="{kind}" x="{x(second.at):.1f}" y="{base:.1f}" width="{max(0.6, width * 0.8):.2f}" '
                yield f'height="{tall:.1f}"/>'
        if second.failed:
            tall = max(3.0, _PANEL * second.failed / panel.top)
            yield f'<rect class="failed" x="{x(second.at):.1f}" y="{panel.y + _PANEL - tall:.1f}" '
            yield f'width="{max(1.5, width * 0.8):.2f}" height="{tall:.1f}">'
            yield f"<title>{second.failed} failed</title></rect>"
    yield from _key(panel, [("old", "old version"), ("new", "new version"), ("failed", "failed")])


def _latency(seconds: Sequence[Second], panel: Panel, x: Callable[[float], float]) -> Iterator[str]:
    def y(value: float) -> float:
        share = math.log(max(value, _FASTEST) / _FASTEST) / math.log(_SLOWEST / _FASTEST)
        return panel.y + _PANEL * (1 - min(1.0, share))

    for value, text in ((0.01, "10 ms"), (0.1, "100 ms"), (1.0, "1 s"), (10.0, "10 s")):
        yield f'<line class="grid" x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        yield f'<text class="tick" x="{_LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{text}</text>'
    for name in ("p50", "p99"):
        values = [(x(second.at + 1), getattr(second, name)) for second in seconds]
        path = "".join(
            f"{'M' if not index else 'L'}{at:.1f} {y(value):.1f}"
            for index, (at, value) in enumerate((at, value) for at, value in values if value is not None)
        )
        yield f'<path class="{name}" d="{path}"/>'
    yield from _key(panel, [("p50", "p50"), ("p99", "p99 (dashed)")])


def _health(record: Record, panel: Panel, x: Callable[[float], float]) -> Iterator[str]:
    new = new_group(record)
    names = [group.name for group in record.snapshots[0].groups]
    for name in names:
        points = [
            (x(snapshot.at), panel.at(group.healthy))
            for snapshot in record.snapshots
            for group in snapshot.groups
            if group.name == name
        ]
        if points:
            yield f'<path class="line {"new" if name == new else "old"}-line" d="{_steps(points)}"/>'
    kinds = [("new-line" if name == new else "old-line", f"in {name}") for name in names]
    yield from _key(panel, kinds)


def _marks(record: Record, x: Callable[[float], float], height: int) -> Iterator[str]:
    """A line with a number for each event; the list below the picture says what it is."""
    last = -100.0
    for number, event in enumerate(record.events, start=1):
        at = x(event.at)
        yield f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{height - 40}"/>'
        shown = max(at, last + 15)
        yield f'<text class="number" x="{shown:.1f}" y="{_TOP - 20}" text-anchor="middle">{number}'
        yield f"<title>{escape(event.text)}</title></text>"
        last = shown


def _key(panel: Panel, entries: Sequence[tuple[str, str]]) -> Iterator[str]:
    for index, (kind, text) in enumerate(entries):
        y = panel.y + 14 + 20 * index
        x = _LEFT + _WIDTH + 12
        if kind in ("p50", "p99") or kind.endswith("-line"):
            yield f'<path class="{"line " if kind.endswith("-line") else ""}{kind}" d="M{x} {y - 4}h16"/>'
        else:
            yield f'<rect class="{kind}" x="{x}" y="{y - 10}" width="16" height="11"/>'
        yield f'<text class="tick" x="{x + 22}" y="{y}">{escape(text)}</text>'
