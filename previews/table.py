"""All previews of an environment as a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from previews.comment import cost_so_far
from previews.life import Preview, Terms

_COLUMNS = ("name", "state", "age", "owner", "expires", "USD/day", "USD so far", "branch", "url")


def as_text(previews: Sequence[Preview], *, terms: Terms, daily_usd: Mapping[str, float | None], now: datetime) -> str:
    """One line each, the one that ends first on top; `daily_usd` by name."""
    rows = [
        _row(each, terms, daily_usd.get(each.name), now) for each in sorted(previews, key=lambda p: p.expires(terms))
    ]
    widths = [max(len(line[column]) for line in (_COLUMNS, *rows)) for column in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (_COLUMNS, *rows)
    )


def _row(preview: Preview, terms: Terms, daily: float | None, now: datetime) -> tuple[str, ...]:
    return (
        preview.name,
        str(preview.state),
        _span(now - preview.created),
        preview.owner or "-",
        f"in {_span(preview.expires(terms) - now)}{' (kept)' if preview.kept else ''}"
        if not preview.is_over(terms, now)
        else "now",
        "-" if daily is None else f"{daily:.2f}",
        "-" if daily is None else f"{cost_so_far(preview, daily, now):.2f}",
        preview.branch or "-",
        preview.url or "-",
    )


def _span(length: timedelta) -> str:
    minutes = int(length / timedelta(minutes=1))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"
