"""From scattered words to printed rows, on photographs that are tilted."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from extraction.page import Point, Word

# Fewer wide boxes than this say too little about how the paper bends; a slope this far off the median is a misfit.
_ENOUGH_WIDE = 8
_STEEP = 0.15


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
    """A word on level paper; `middle` is its height there."""

    word: Word
    left: float
    right: float
    middle: float
    height: float


def group_rows(words: Iterable[Word]) -> list[Row]:
    """Rows from top to bottom. Words share a row when their middles, on level paper, nearly agree."""
    words = [word for word in words if word.text.strip()]
    if not words:
        return []
    rows: list[list[_Placed]] = []
    for item in sorted(_level(words), key=lambda item: item.middle):
        row = next((row for row in reversed(rows[-2:]) if _same_row(row, item)), None)
        if row:
            row.append(item)
        else:
            rows.append([item])
    return [_row(row) for row in rows]


def _level(words: list[Word]) -> list[_Placed]:
    """Words on paper turned, sheared and uncurled so that its lines are level.

    The lines' slope is taken to change evenly over the paper: with the height under perspective, with the width on
    curled paper. Every wide box is one measurement of it.
    """
    corners = np.array([word.corners for word in words])
    along = corners[:, 1] + corners[:, 2] - corners[:, 0] - corners[:, 3]
    direction = along.sum(axis=0) / np.linalg.norm(along.sum(axis=0) + 1e-9)
    turn = np.array([direction, (-direction[1], direction[0])])
    corners = corners @ turn.T
    middles, along = corners.mean(axis=1), along @ turn.T / 2
    center = middles.mean(axis=0)
    heights = np.linalg.norm(corners[:, 3] - corners[:, 0], axis=1)
    a, across, down = _slopes(middles - center, along, heights)
    x, y = (middles - center).T
    levels = y - (a + down * y) * x - across * x**2 / 2
    return [
        _Placed(word=word, left=box[:, 0].min(), right=box[:, 0].max(), middle=float(level), height=float(height))
        for word, box, level, height in zip(words, corners, levels, heights, strict=True)
    ]


def _slopes(middles: np.ndarray, along: np.ndarray, heights: np.ndarray) -> tuple[float, float, float]:
    """(slope, its change per pixel to the right, its change per pixel down): a fit that leaves outliers aside."""
    wide = along[:, 0] > 2.5 * heights
    if wide.sum() < _ENOUGH_WIDE:
        slope = float(np.median(along[wide, 1] / along[wide, 0])) if wide.any() else 0.0
        return slope, 0.0, 0.0
    x, y = middles[wide].T
    slopes, weights = along[wide, 1] / along[wide, 0], along[wide, 0]
    terms = np.stack([np.ones_like(x), x, y], axis=1)
    kept = np.abs(slopes - np.median(slopes)) < _STEEP
    for _ in range(3):
        scaled = weights[kept, None]
        fit = np.linalg.lstsq(terms[kept] * scaled, slopes[kept] * scaled[:, 0], rcond=None)[0]
        off = np.abs(slopes - terms @ fit)
        kept = off <= max(0.004, 2.5 * float(np.median(off[kept])))
        if kept.sum() < _ENOUGH_WIDE:
            break
    return float(fit[0]), float(fit[1]), float(fit[2])


def _same_row(row: list[_Placed], item: _Placed) -> bool:
    middle = statistics.fmean(other.middle for other in row[-3:])
    if abs(item.middle - middle) >= 0.5 * min(statistics.median(other.height for other in row), item.height):
        return False
    return all(
        min(item.right, other.right) - max(item.left, other.left)
        < 0.4 * min(item.right - item.left, other.right - other.left)
        for other in row
    )


def _slice(word: Word, first: float, last: float) -> Iterator[Point]:
    """The corners of a part of a word's box, from one share of its width to another."""
    (a, b, c, d) = word.corners
    for left, right in ((a, b), (d, c)):
        for share in (first, last):
            yield left[0] + share * (right[0] - left[0]), left[1] + share * (right[1] - left[1])


def _row(items: list[_Placed]) -> Row:
    items.sort(key=lambda item: item.left)
    return Row(words=tuple(item.word for item in items), height=statistics.median(item.height for item in items))
