"""A line plot over time as SVG: a few lines, marked thresholds, a legend; its colors are the page's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 520.0, 240.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 10.0, 54.0, 28.0
_MOST_POINTS = 360


@dataclass(frozen=True, kw_only=True)
class Line:
    """Values at even distances in time. `style` is the class that gives color and dashes, `a` to `c`; `step` keeps a
    value until the next one."""

    label: str
    values: Sequence[float]
    style: str
    step: bool = False


@dataclass(frozen=True, kw_only=True)
class Plot:
    """`seconds` is the time from the first value to the last; `marks` are horizontal lines with their labels;
    `most` is the axis' end, where it is not to follow from the values."""

    title: str
    unit: str
    seconds: float
    lines: tuple[Line, ...]
    marks: tuple[tuple[float, str], ...] = ()
    logarithmic: bool = False
    most: float | None = None


def as_svg(plot: Plot, *, key: str) -> str:
    """The plot; `key` makes its ids unique on the page."""
    scale = _scale(plot)
    return "\n".join(
        [
            f'<svg class="plot" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" aria-labelledby="{key}">',
            f'<title id="{key}">{escape(_said(plot))}</title>',
            f'<text class="name" x="0" y="14">{escape(plot.title)}',
            f'<tspan class="soft">{escape(plot.unit)}</tspan></text>',
            *_legend(plot),
            *_grid(plot, scale),
            *_marks(plot, scale),
            *(f'<path class="line {line.style}" d="{_path(line, scale)}"/>' for line in plot.lines),
            "</svg>",
        ]
    )


@dataclass(frozen=True, kw_only=True)
class _Scale:
    low: float
    high: float
    logarithmic: bool

    def x(self, share: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * share

    def y(self, value: float) -> float:
        if self.logarithmic:
            share = math.log10(max(value, self.low) / self.low) / math.log10(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * min(max(share, 0.0), 1.0)

    def across(self, value: float, *, style: str) -> str:
        return (
            f'<line class="{style}" x1="{_LEFT:g}" x2="{_WIDTH - _RIGHT:g}" y1="{self.y(value):.1f}" '
            f'y2="{self.y(value):.1f}"/>'
        )


def _grid(plot: Plot, scale: _Scale) -> Iterator[str]:
    for value in _ticks(scale):
        yield scale.across(value, style="grid")
        yield f'<text class="soft" x="{_LEFT - 6:g}" y="{scale.y(value) + 5:.1f}" text-anchor="end">{value:,.6g}</text>'
    for seconds, label in _times(plot.seconds):
        at = scale.x(seconds / plot.seconds)
        yield f'<text class="soft" x="{at:.1f}" y="{_HEIGHT - 8:g}" text-anchor="middle">{label}</text>'


def _marks(plot: Plot, scale: _Scale) -> Iterator[str]:
    for value, label in plot.marks:
        if scale.low <= value <= scale.high:
            yield scale.across(value, style="mark")
            yield (
                f'<text class="soft halo" x="{_WIDTH - _RIGHT:g}" y="{scale.y(value) - 4:.1f}" text-anchor="end">'
                f"{escape(label)}</text>"
            )


def _said(plot: Plot) -> str:
    """The plot in words."""
    parts = [
        f"{line.label} from {min(line.values):.3g} to {max(_finite(line.values)):.3g}"
        for line in plot.lines
        if line.values
    ]
    return f"{plot.title} in {plot.unit} over {plot.seconds / 3600:.3g} hours: {'; '.join(parts)}"


def _finite(values: Sequence[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)] or [0.0]


def _scale(plot: Plot) -> _Scale:
    low, high = _range(plot)
    return _Scale(low=low, high=high, logarithmic=plot.logarithmic)


def _range(plot: Plot) -> tuple[float, float]:
    values = [value for line in plot.lines for value in _finite(line.values)]
    if plot.logarithmic:
        low = 10 ** math.floor(math.log10(max(min(values), 1e-6)))
        return low, max(10 ** math.ceil(math.log10(max(max(values), low))), low * 10)
    high = max([*values, *(value for value, _ in plot.marks if value <= 1.3 * max(values))])
    return 0.0, plot.most or _round_up(high)


def _round_up(value: float) -> float:
    if value <= 0:
        return 1.0
    step = math.pow(10, math.floor(math.log10(value))) / 2
    return math.ceil(value / step) * step


def _ticks(scale: _Scale) -> Iterator[float]:
    if scale.logarithmic:
        decades = round(math.log10(scale.high / scale.low))
        yield from (scale.low * 10**power for power in range(0, decades + 1, max(1, math.ceil(decades / 4))))
        return
    step = 10 ** math.floor(math.log10(scale.high))
    step = next(one for one in (step / 5, step / 2, step, step * 2) if scale.high / one <= 5)
    yield from (index * step for index in range(int(scale.high / step + 1e-9) + 1))


def _times(seconds: float) -> Iterator[tuple[float, str]]:
    hours = seconds / 3600
    if hours < 0.75:
        step = next(one for one in (60.0, 120.0, 300.0, 600.0) if seconds / one <= 6)
        yield from ((at, f"{at / 60:.0f} min") for at in _every(step, seconds))
        return
    step = next(one for one in (900.0, 1800.0, 3600.0, 7200.0, 14400.0, 21600.0) if seconds / one <= 7)
    for at in _every(step, seconds):
        yield at, f"{int(at // 3600)}:{int(at % 3600 // 60):02d}"


def _every(step: float, seconds: float) -> Iterator[float]:
    at = 0.0
    while at < seconds * 0.97:
        yield at
        at += step


def _legend(plot: Plot) -> Iterator[str]:
    at = _LEFT
    for line in plot.lines:
        yield f'<line class="line {line.style}" x1="{at:.0f}" x2="{at + 26:.0f}" y1="29" y2="29"/>'
        yield f'<text x="{at + 32:.0f}" y="34">{escape(line.label)}</text>'
        at += 48 + 8.2 * len(line.label)


def _path(line: Line, scale: _Scale) -> str:
    last = max(1, len(line.values) - 1)
    parts: list[str] = []
    before = None
    for index, value in _thinned(line.values, step=line.step):
        at = scale.x(index / last)
        if line.step and before is not None:
            parts.append(f"H{at:.1f}" + (f"V{scale.y(value):.1f}" if value != before else ""))
        else:
            parts.append(f"{'L' if parts else 'M'}{at:.1f} {scale.y(value):.1f}")
        before = value
    return "".join(parts)


def _thinned(values: Sequence[float], *, step: bool) -> list[tuple[int, float]]:
    """Not more points than can be seen: of steps their changes, of others the highest of each few."""
    if step:
        kept = [index for index, value in enumerate(values) if index == 0 or value != values[index - 1]]
        return [(index, values[index]) for index in dict.fromkeys([*kept, len(values) - 1])]
    each = math.ceil(len(values) / _MOST_POINTS)
    return [
        max(((index, values[index]) for index in range(at, min(at + each, len(values)))), key=lambda one: one[1])
        for at in range(0, len(values), each)
    ]
