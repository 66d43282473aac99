"""Text recognition: pixels in, words with boxes out. Models come with the rapidocr wheel; no network."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from extraction.schema import Box

if TYPE_CHECKING:
    from PIL import Image

Point = tuple[float, float]

# Bounds time and memory: the detector sees at most DETECTION_SIDE, the recognizer crops from PHOTO_SIDE.
DETECTION_SIDE = 1280
PHOTO_SIDE = 2000

_lock = threading.Lock()


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


def read_words(photo: Image.Image) -> Page:
    """All text on an RGB photograph whose longest side is PHOTO_SIDE at most.

    One picture at a time in a process: the model's memory, not the processor, is what is short.
    """
    pixels = np.asarray(photo)[:, :, ::-1]  # OpenCV's channel order
    with _lock:
        result = _recognizer(os.getpid())(pixels)
    if result.boxes is None or result.txts is None or result.scores is None:
        return Page(words=(), width=photo.width, height=photo.height)
    words = tuple(
        Word(text=text, corners=tuple((float(x), float(y)) for x, y in box), score=float(score))
        for box, text, score in zip(result.boxes, result.txts, result.scores, strict=True)
    )
    return Page(words=words, width=photo.width, height=photo.height)


@lru_cache(maxsize=1)
def _recognizer(process_id: int) -> Any:  # noqa: ARG001 - sessions do not survive a fork: one per process
    from rapidocr import RapidOCR  # half a second and 100 MB: only where a receipt is really read

    return RapidOCR(
        params={
            "Global.use_cls": False,
            "Global.log_level": "critical",
            "Global.max_side_len": PHOTO_SIDE,
            "Det.limit_type": "max",
            "Det.limit_side_len": DETECTION_SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
