"""One drill over time as an SVG: requests of each second, those that failed, and when something was broken."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from localcloud.drill.faults.record import Record
from localcloud.rollout.load.answers import by_second

_LEFT, _WIDTH, _TOP, _HEIGHT, _BELOW = 50, 1180, 24, 180, 130

STYLE = """
.plot { max-width: 100%; height: auto; } .plot text { font: 11px system-ui, sans-serif; fill: var(--soft); }
.plot .good { fill: #7fa3c7; } .plot .failed { fill: var(--bad); } .plot .broken { fill: var(--marked); }
.plot .axis { stroke: var(--line); }
"""


def as_svg(record: Record) -> str:
    """The picture; what it shows is in the table, too."""
    span = max(1.0, record.ended - record.began)
    seconds = by_second(record.answers)
    most = max((second.count for second in seconds), default=1)
    total, height = _LEFT + _WIDTH + 20, _TOP + _HEIGHT + _BELOW
    title = f"Requests of each second of {span:.0f} s, seed {record.seed}"

    def x(moment: float) -> float:
        return _LEFT + _WIDTH * min(1.0, max(0.0, (moment - record.began) / span))

    def lines() -> Iterator[str]:
        yield f'<svg class="plot" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height}" role="img">'
        yield f"<title>{escape(title)}</title>"
        for attempt in record.attempts:
            left, right = x(attempt.made), max(x(attempt.mended), x(attempt.made) + 2)
            yield f'<rect class="broken" x="{left:.1f}" y="{_TOP}" width="{right - left:.1f}" height="{_HEIGHT}"/>'
            yield f'<text transform="translate({left + 4:.1f} {_TOP + _HEIGHT + 12}) rotate(60)">'
            yield f"{escape(attempt.fault.name)}</text>"
        width = max(0.6, _WIDTH / span)
        for second in seconds:
            for kind, count in (("good", second.count), ("failed", second.failed)):
                tall = _HEIGHT * count / most
                if count:
                    yield f'<rect class="{kind}" x="{x(second.at):.1f}" y="{_TOP + _HEIGHT - tall:.1f}" '
                    yield f'width="{width:.2f}" height="{tall:.1f}"/>'
        bottom = _TOP + _HEIGHT
        yield f'<line class="axis" x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{bottom}" y2="{bottom}"/>'
        yield f'<text x="{_LEFT - 6}" y="{_TOP + 8}" text-anchor="end">{most}/s</text>'
        yield f'<text x="{_LEFT}" y="{_TOP - 8}">{escape(title)}</text></svg>'

    return "\n".join(lines())
