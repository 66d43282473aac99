"""Printed rows as arithmetic sees them: what each is about, and its amounts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from extraction.labels import Kind, kind_of
from extraction.money import amounts, faint_amount, find_amounts, without_amounts

# A table of tax rates is this long at most; a labelled total further down is a total again.
_TAX_TABLE_ROWS = 6
# `20 % = 4.75`, again and again: what a tip would be, not what anything cost.
_SUGGESTION = re.compile(r"(?<!\d)\d{1,2}(?:[.,]0+)?\s?%")
_SUGGESTIONS_APART = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One printed row as arithmetic sees it."""

    index: int
    text: str
    kind: Kind | None
    amounts: tuple[Decimal, ...]
    in_tax_table: bool

    @property
    def last(self) -> Decimal:
        return self.amounts[-1]


def read_lines(rows: Sequence[str]) -> list[Line]:
    """Classify rows; an amount alone on its row belongs to the label on the row above."""
    lines: list[Line] = []
    table_ends = -1
    suggestions = _suggestions(rows)
    for index, text in enumerate(rows):
        kind, found = kind_of(text), tuple(amounts(text))
        if index in suggestions:
            kind = Kind.OTHER
        if kind is Kind.TAX_TABLE and not any(line.amounts for line in lines):
            kind = Kind.OTHER  # the header of the goods: rates are summed up below them
        if kind is Kind.TAX_TABLE:
            table_ends = index + _TAX_TABLE_ROWS
        if not found and kind and kind is not Kind.OTHER and (faint := faint_amount(text)):
            found = (faint.value,)
        before = lines[-1] if lines else None
        if found and kind is None and before and before.kind and not before.amounts and _only_amounts(text):
            kind = before.kind if before.kind is not Kind.TAX_TABLE else None
        in_table = kind is Kind.TAX_TABLE or index <= table_ends
        parts = [] if in_table or kind is Kind.OTHER else _labelled_parts(text)
        if parts:
            lines += [Line(index, part, kind_of(part), (amount,), in_table) for part, amount in parts]
        else:
            lines.append(Line(index, text, kind, found, in_table))
    return lines


def _labelled_parts(text: str) -> list[tuple[str, Decimal]]:
    """`TAX 2.30 BAL 26.46` is two lines on one row."""
    found = find_amounts(text)
    starts = [0, *(amount.end for amount in found[:-1])]
    parts = [(text[start : amount.end], amount.value) for start, amount in zip(starts, found, strict=False)]
    kinds = {kind_of(part) for part, _ in parts}
    return parts if len(parts) > 1 and len(kinds) == len(parts) and None not in kinds else []


def _suggestions(rows: Sequence[str]) -> set[int]:
    """Rows that propose tips: two or more percentages close together, below a total, none of them about tax."""
    proposing = (None, Kind.TIP, Kind.TOTAL, Kind.OTHER)
    totals = (index for index, text in enumerate(rows) if kind_of(text) is Kind.TOTAL and amounts(text))
    start = next(totals, len(rows)) + 1
    found = [
        (index, match[0])
        for index, text in enumerate(rows[start:], start)
        if (match := _SUGGESTION.search(text)) and amounts(text) and kind_of(text) in proposing
    ]
    return {
        place
        for (first, percent), (second, other) in pairwise(found)
        if percent != other and second - first <= _SUGGESTIONS_APART
        for place in (first, second)
    }


def _only_amounts(text: str) -> bool:
    return sum(character.isalpha() for character in without_amounts(text)) <= 3
