"""Charts as numbers: where each bar of an SVG begins and ends. Templates draw them, and put a table behind each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal

from pages.words import CATEGORIES

WIDTH, HEIGHT = 640, 250
LEFT, TOP, BOTTOM = 60, 12, 28
"""Room for the scale's numbers, and below for the months."""

WIDEST_COLUMN = 52
MONTHS_NAMED = 12
ZERO = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One category's share of a column; `colour` is its number in the style sheet."""

    category: str
    amount: Decimal
    colour: int
    y: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Column:
    month: date
    total: Decimal
    x: float
    width: float
    parts: list[Part]
    named: bool
    named_on_phones: bool

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A line of the scale."""

    amount: Decimal
    y: float


@dataclass(frozen=True, kw_only=True)
class Columns:
    columns: list[Column]
    marks: list[Mark]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    floor: int = HEIGHT - BOTTOM


@dataclass(frozen=True, kw_only=True)
class Bar:
    """`percent` of the longest bar's length."""

    label: str
    amount: Decimal
    colour: int
    percent: float


def colour_of(category: str) -> int:
    """Categories that a person made up share the last colour."""
    return CATEGORIES.index(category) + 1 if category in CATEGORIES else len(CATEGORIES)


def columns(months: Mapping[date, Mapping[str, Decimal]]) -> Columns:
    """A column for each month, in order, its categories from the floor up. What is not positive has no height."""
    highest = max((sum(_positive(shares), ZERO) for shares in months.values()), default=ZERO)
    step, top = _scale(highest)
    room, floor = HEIGHT - BOTTOM - TOP, HEIGHT - BOTTOM
    pitch = (WIDTH - LEFT) / max(len(months), 1)
    width = min(pitch * 0.7, WIDEST_COLUMN)
    every = -(-len(months) // MONTHS_NAMED)
    made = [
        Column(
            month=month,
            total=sum(shares.values(), ZERO),
            x=round(LEFT + pitch * (index + 0.5) - width / 2, 1),
            width=round(width, 1),
            parts=_stacked(shares, floor=floor, scale=room / float(top)),
            named=index % every == 0,
            named_on_phones=index % (every * 3) == 0,
        )
        for index, (month, shares) in enumerate(sorted(months.items()))
    ]
    marks = [step * number for number in range(int(top / step) + 1)]
    return Columns(
        columns=made, marks=[Mark(amount=mark, y=round(floor - float(mark / top) * room, 1)) for mark in marks]
    )


def bars(rows: Sequence[tuple[str, Decimal, int]]) -> list[Bar]:
    """A bar for each (label, amount, colour), as long as its amount."""
    most = max((amount for _, amount, _ in rows), default=ZERO)
    scale = 100 / float(most) if most > 0 else 0.0
    return [
        Bar(label=label, amount=amount, colour=colour, percent=round(float(max(amount, ZERO)) * scale, 1))
        for label, amount, colour in rows
    ]


def _stacked(shares: Mapping[str, Decimal], *, floor: float, scale: float) -> list[Part]:
    y, parts = floor, []
    for category, amount in sorted(shares.items(), key=lambda share: (colour_of(share[0]), share[0])):
        height = float(max(amount, ZERO)) * scale
        y -= height
        parts.append(
            Part(category=category, amount=amount, colour=colour_of(category), y=round(y, 1), height=round(height, 1))
        )
    return parts


def _positive(shares: Mapping[str, Decimal]) -> list[Decimal]:
    return [amount for amount in shares.values() if amount > 0]


def _scale(most: Decimal) -> tuple[Decimal, Decimal]:
    """(step, top): at most five steps of 1, 2 or 5 times a power of ten that reach `most`."""
    if most <= 0:
        return Decimal(1), Decimal(1)
    power = Decimal(10) ** (most / 5).adjusted()
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor * 5 >= most)
    return step, step * (most / step).to_integral_value(ROUND_CEILING)
