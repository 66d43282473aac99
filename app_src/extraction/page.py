"""What was recognized on a picture: words with boxes. Small to import, for whoever does not recognize anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from extraction.schema import Box

Point = tuple[float, float]

PHOTO_SIDE = 4096
"""Longest side, in pixels, that is of use: photographs of 12 megapixels stay as large as they are, and callers need not
decode more."""


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of text as detected: often several words, seldom a whole row.

    Attributes:
        corners: Four points (x, y) in pixels, clockwise from the top left in reading direction.
        score: Recognizer's confidence, 0 to 1.
    """

    text: str
    corners: tuple[Point, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Page:
    """Everything recognized on one upright picture of `width` by `height` pixels."""

    words: tuple[Word, ...]
    width: int
    height: int

    def box(self, points: Iterable[Point]) -> Box:
        """The upright box around some points, as fractions of the picture."""
        xs, ys = zip(*points, strict=True)
        left, right = (min(1.0, max(0.0, round(x / self.width, 4))) for x in (min(xs), max(xs)))
        top, bottom = (min(1.0, max(0.0, round(y / self.height, 4))) for y in (min(ys), max(ys)))
        return left, top, right, bottom

    def to_json(self) -> dict[str, Any]:
        """Plain and compact, to be stored; corners in whole pixels."""
        return {
            "size": [self.width, self.height],
            "words": [
                [word.text, round(word.score, 3), [round(value) for point in word.corners for value in point]]
                for word in self.words
            ],
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Page:
        """What `to_json` gave. Raises KeyError or ValueError on anything else."""
        width, height = stored["size"]
        words = tuple(
            Word(text=text, score=score, corners=tuple(zip(flat[::2], flat[1::2], strict=True)))
            for text, score, flat in stored["words"]
        )
        return cls(words=words, width=width, height=height)
