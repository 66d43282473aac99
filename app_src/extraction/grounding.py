"""Where on the picture a value is printed: for boxes, and to check another reader's answer against the text itself."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache

from extraction.dates import find_dates
from extraction.money import find_amounts
from extraction.page import Page
from extraction.rows import Row, group_rows
from extraction.schema import Box

# A text is found where this share of its letters stands, in order and close together.
_ALIKE = 0.75

# What a recognizer takes a digit for.
_DIGITS = {
    "0": "[0OoDQ]", "1": "[1Il|!]", "2": "[2Zz]", "3": "3", "4": "4", "5": "[5Ss]", "6": "[6Gb]", "7": "7",
    "8": "[8B]", "9": "[9gq]",
}  # fmt: skip
_LOOKALIKE = str.maketrans("0158|!", "oisbii")


def find_amount(page: Page, amount: Decimal) -> list[Box]:
    """Every place where an amount is printed, its sign aside, top to bottom; a letter read for a digit allowed."""
    pattern = _amount_pattern(abs(amount))
    boxes = []
    for row in rows_of(page):
        spans = {(found.start, found.end) for found in find_amounts(row.text) if abs(found.value) == abs(amount)}
        spans |= {
            match.span()
            for match in pattern.finditer(row.text)
            if not any(start < match.end() and match.start() < end for start, end in spans)
        }
        boxes += [page.box(row.corners(start, end)) for start, end in sorted(spans)]
    return boxes


def find_date(page: Page, day: date) -> list[Box]:
    """Every place where a day is printed, in either order of day and month."""
    boxes = []
    for row in rows_of(page):
        spans = {
            (found.start, found.end)
            for month_first in (False, True)
            for found in find_dates(row.text, month_first=month_first)
            if found.day == day
        }
        boxes += [page.box(row.corners(start, end)) for start, end in sorted(spans)]
    return boxes


def find_text(page: Page, text: str) -> Box | None:
    """Where a text stands, on one row or wrapped over two; None where nothing is like it.

    Case, spaces and punctuation do not count, and a quarter of the letters may be misread.
    """
    wanted = "".join(letter for letter, _ in _letters(text))
    if not wanted:
        return None
    rows = rows_of(page)
    best, place = 0.0, None
    for index, row in enumerate(rows):
        for group in ([row], rows[index : index + 2]):
            alike, spans = _likeness(wanted, group)
            if alike > best + 0.01:  # one row, if it will do
                best, place = alike, [(row, *span) for row, span in zip(group, spans, strict=True) if span[0] < span[1]]
    if place is None or best < _ALIKE:
        return None
    return page.box(corner for row, start, end in place for corner in row.corners(start, end))


@lru_cache(maxsize=4)
def rows_of(page: Page) -> list[Row]:
    """The page's rows; kept for the next questions on the same page."""
    return group_rows(page.words)


def _likeness(wanted: str, rows: list[Row]) -> tuple[float, list[tuple[int, int]]]:
    """0 to 1, and the characters of each row that are meant."""
    letters = [(letter, number, place) for number, row in enumerate(rows) for letter, place in _letters(row.text)]
    matcher = difflib.SequenceMatcher(None, wanted, "".join(letter for letter, _, _ in letters), autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size >= min(2, len(wanted))]
    if not blocks:
        return 0.0, []
    first, last = blocks[0].b, blocks[-1].b + blocks[-1].size - 1
    alike = 2 * sum(block.size for block in blocks) / (len(wanted) + last - first + 1)
    spans = []
    for number in range(len(rows)):
        places = [place for _, of_row, place in letters[first : last + 1] if of_row == number]
        spans.append((min(places), max(places) + 1) if places else (0, 0))
    return alike, spans


def _letters(text: str) -> Iterator[tuple[str, int]]:
    for place, character in enumerate(text):
        for letter in character.lower().translate(_LOOKALIKE):
            if letter.isalnum():
                yield letter, place


@lru_cache(maxsize=256)
def _amount_pattern(amount: Decimal) -> re.Pattern[str]:
    whole, cents = f"{amount:.2f}".split(".")
    digits = [_DIGITS[digit] for digit in whole]
    grouped = "".join(
        digit + (r"[.,' ]?" if left and left % 3 == 0 else "")
        for digit, left in zip(digits, range(len(digits) - 1, -1, -1), strict=True)
    )
    return re.compile(
        rf"(?<![\w.,]){grouped}\s?[.,:'\-\s]\s?{''.join(_DIGITS[digit] for digit in cents)}(?![\w%]|[.,]\d)"
    )
