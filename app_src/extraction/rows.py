"""From scattered words to printed rows, on photographs that are tilted."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from extraction.ocr import Point, Word


@dataclass(frozen=True)
class Row:
    """Words that stand on one printed line, left to right.

    Attributes:
        height: Median height of the letters' boxes, in pixels.
    """

    words: tuple[Word, ...]
    height: float

    @cached_property
    def text(self) -> str:
        return " ".join(word.text.strip() for word in self.words)

    @property
    def score(self) -> float:
        return min(word.score for word in self.words)

    def corners(self, start: int = 0, end: int | None = None) -> list[Point]:
        """Corners around `text[start:end]`; within a word the letters are taken to be equally wide."""
        end = len(self.text) if end is None else end
        return [corner for word, first, last in self._parts(start, end) for corner in _slice(word, first, last)]

    def _parts(self, start: int, end: int) -> Iterator[tuple[Word, float, float]]:
        offset = 0
        for word in self.words:
            length = len(word.text.strip())
            first, last = max(start, offset) - offset, min(end, offset + length) - offset
            if first < last:
                yield word, first / length, last / length
            offset += length + 1


@dataclass(frozen=True, slots=True)
class _Placed:
    """A word in the coordinates of the paper: turned so that its lines are level."""

    word: Word
    left: float
    middle: float
    height: float


def group_rows(words: Iterable[Word]) -> list[Row]:
    """Rows from top to bottom. Words share a row when their middles, on level paper, nearly agree."""
    words = [word for word in words if word.text.strip()]
    if not words:
        return []
    angle = _tilt(words)
    placed = sorted((_place(word, angle) for word in words), key=lambda item: item.middle)
    rows: list[list[_Placed]] = []
    for item in placed:
        row = rows[-1] if rows else []
        if row and _same_row(row, item):
            row.append(item)
        else:
            rows.append([item])
    return [_row(row) for row in rows]


def _tilt(words: list[Word]) -> float:
    """The paper's angle in radians: the median over wide boxes, weighted by their width."""
    angles = []
    for word in words:
        (x0, y0), (x1, y1) = word.corners[0], word.corners[1]
        width = math.hypot(x1 - x0, y1 - y0)
        if width > 2 * _height(word):
            angles += [math.atan2(y1 - y0, x1 - x0)] * max(1, round(width / 50))
    return statistics.median(angles) if angles else 0.0


def _height(word: Word) -> float:
    (x0, y0), (x3, y3) = word.corners[0], word.corners[3]
    return math.hypot(x3 - x0, y3 - y0)


def _place(word: Word, angle: float) -> _Placed:
    cos, sin = math.cos(-angle), math.sin(-angle)
    turned = [(x * cos - y * sin, x * sin + y * cos) for x, y in word.corners]
    return _Placed(
        word=word,
        left=min(x for x, _ in turned),
        middle=sum(y for _, y in turned) / len(turned),
        height=_height(word),
    )


def _same_row(row: list[_Placed], item: _Placed) -> bool:
    middle = statistics.fmean(other.middle for other in row[-3:])
    return abs(item.middle - middle) < 0.5 * min(statistics.median(other.height for other in row), item.height)


def _slice(word: Word, first: float, last: float) -> Iterator[Point]:
    """The corners of a part of a word's box, from one share of its width to another."""
    (a, b, c, d) = word.corners
    for left, right in ((a, b), (d, c)):
        for share in (first, last):
            yield left[0] + share * (right[0] - left[0]), left[1] + share * (right[1] - left[1])


def _row(items: list[_Placed]) -> Row:
    items.sort(key=lambda item: item.left)
    return Row(words=tuple(item.word for item in items), height=statistics.median(item.height for item in items))
