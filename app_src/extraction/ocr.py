"""Text recognition: pixels in, words with boxes out. Models come with the rapidocr wheel; no network.

A page is looked at once in small, to find where the text is and which way up, and read from a view of that part
alone: a receipt that fills a third of a phone's photograph is read as well as a scan.
"""

from __future__ import annotations

import math
import os
import statistics
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from extraction.page import Page, Word

# Bound time and memory, whatever the picture: the detector sees _DETECTION_PIXELS at most, the recognizer cuts its
# lines from a view of _VIEW_PIXELS at most. By area, not by side: a till roll four times as tall as wide stays legible.
_DETECTION_PIXELS = 1_000_000
_VIEW_PIXELS = 4_000_000
_DETECTION_STRIDE = 32

# A second look is worth its half second when the text fills less of the view than this, or stands askew by more.
_CROWDED = 0.6
_LEVEL_DEGREES = 4.0
# Text read upside down scores below this; faint but upright text mostly above.
_UPRIGHT_SCORE = 0.8
_PROBE = 8  # lines, the longest, that tell
_LEAST_SCORE = 0.5
# Figures below the first are read again, at most so many of them, the least sure first: a misread digit is a wrong sum.
_SURE_SCORE = 0.95
_READ_AGAIN = 6

_DARKER = np.array([255 * (value / 255) ** 2 for value in range(256)], np.uint8)
_LOOKS = 3

_lock = threading.Lock()


def read_words(pixels: np.ndarray) -> Page:
    """All text on a photograph (rows, columns, red green blue), tilted, sideways or upside down.

    One picture at a time in a process: the model's memory, not the processor, is what is short.
    """
    with _lock:
        words = _read(pixels)
    return Page(words=tuple(words), width=pixels.shape[1], height=pixels.shape[0])


@dataclass(frozen=True)
class _View:
    """A part of the photograph, turned and scaled, in OpenCV's order of channels; `matrix` (2 by 3) leads from
    photograph to view."""

    pixels: np.ndarray
    matrix: np.ndarray

    def to_photo(self, points: np.ndarray) -> np.ndarray:
        return cv2.transform(points[None].astype(np.float64), cv2.invertAffineTransform(self.matrix))[0]


def _read(pixels: np.ndarray) -> list[Word]:
    view = _view(pixels, 0.0, np.array([(0, 0), pixels.shape[1::-1]]))
    boxes = _detect(view)
    if not boxes:
        return []
    angle = _angle(boxes)
    corners = np.concatenate([view.to_photo(box) for box in boxes])
    region = _region(corners, angle)
    width, height = region[1] - region[0]
    if abs(angle) > math.radians(_LEVEL_DEGREES) or width * height < _CROWDED * pixels.shape[0] * pixels.shape[1]:
        view = _view(pixels, angle, region)
        boxes = _detect(view) or boxes
    words, rest = _recognize(view, boxes[:_PROBE]), boxes[_PROBE:]
    if _mean_score(words) < _UPRIGHT_SCORE:
        turned = _view(pixels, angle + math.pi, _region(corners, angle + math.pi))
        others = _detect(turned)
        upright = _recognize(turned, others[:_PROBE])
        if _mean_score(upright) > _mean_score(words):
            view, words, rest = turned, upright, others[_PROBE:]
    words += _recognize(view, rest)
    return [word for word in words if word.score >= _LEAST_SCORE]


def _angle(boxes: Sequence[np.ndarray]) -> float:
    """The direction of the lines in radians: a quarter turn where most boxes are taller than wide."""
    sides = [(box[1] - box[0], box[3] - box[0]) for box in boxes]
    lengths = [(float(np.linalg.norm(across)), float(np.linalg.norm(down))) for across, down in sides]
    sideways = sum(down for across, down in lengths if down > 1.5 * across)
    upright = sum(across for across, down in lengths if across > 1.5 * down)
    if sideways > upright:
        lines = [(down, length) for (_, down), (across, length) in zip(sides, lengths, strict=True) if length > across]
    else:
        lines = [(across, length) for (across, _), (length, down) in zip(sides, lengths, strict=True) if length > down]
    return statistics.median(math.atan2(line[1], line[0]) for line, _ in lines) if lines else 0.0


def _region(corners: np.ndarray, angle: float) -> np.ndarray:
    """Least and greatest coordinates of all text, and a little more, on paper turned level."""
    level = corners @ _turn(angle).T
    low, high = level.min(axis=0), level.max(axis=0)
    margin = 0.03 * (high - low) + 8
    return np.array([low - margin, high + margin])


def _turn(angle: float) -> np.ndarray:
    """Takes a direction of `angle` to the right."""
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([(cos, sin), (-sin, cos)])


def _view(pixels: np.ndarray, angle: float, region: np.ndarray) -> _View:
    """The region of the photograph turned level, as many pixels of it as may be."""
    width, height = region[1] - region[0]
    scale = min(1.0, math.sqrt(_VIEW_PIXELS / (width * height)))
    turn = _turn(angle) * scale
    matrix = np.hstack([turn, (-region[0] * scale)[:, None]])
    if scale < 1:  # a warp alone would skip pixels
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    shown = np.hstack([turn / scale, matrix[:, 2:]])
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    warped = cv2.warpAffine(pixels, shown, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return _View(pixels=cv2.cvtColor(warped, cv2.COLOR_RGB2BGR), matrix=matrix)


def _detect(view: _View) -> list[np.ndarray]:
    """Boxes of four corners each, in the view's pixels, longest first."""
    height, width = view.pixels.shape[:2]
    scale = min(1.0, math.sqrt(_DETECTION_PIXELS / (width * height)))
    detector = _recognizer(os.getpid()).text_det
    detector.limit_side_len = max(_DETECTION_STRIDE, round(max(width, height) * scale))
    found = detector(view.pixels)
    boxes = [] if found.boxes is None else [np.asarray(box, np.float32) for box in found.boxes]
    return sorted(boxes, key=lambda box: -np.linalg.norm(box[1] - box[0]))


def _recognize(view: _View, boxes: Sequence[np.ndarray]) -> list[Word]:
    if not boxes:
        return []
    engine = _recognizer(os.getpid())
    crops = engine.crop_text_regions(view.pixels, boxes)
    read = engine.recognize_txt(crops)
    readings = list(zip(read.txts, read.scores, strict=True))
    _read_again(crops, readings)
    return [
        Word(text=text, corners=tuple((float(x), float(y)) for x, y in view.to_photo(box)), score=float(score))
        for box, (text, score) in zip(boxes, readings, strict=True)
        if text.strip()
    ]


def _read_again(crops: Sequence[np.ndarray], readings: list[tuple[str, float]]) -> None:
    """Replaces doubtful figures by what most looks at them say: as they are, softened, darkened and widened."""
    doubtful = [
        index
        for index, (text, score) in enumerate(readings)
        if _LEAST_SCORE <= score < _SURE_SCORE and any(character.isdigit() for character in text)
    ]
    doubtful = sorted(doubtful, key=lambda index: readings[index][1])[:_READ_AGAIN]
    if not doubtful:
        return
    looks = [look for index in doubtful for look in _looks(crops[index])]
    read = _recognizer(os.getpid()).recognize_txt(looks)
    again = list(zip(read.txts, read.scores, strict=True))
    for place, index in enumerate(doubtful):
        votes: dict[str, list[float]] = defaultdict(list)
        for text, score in [readings[index], *again[place * _LOOKS : (place + 1) * _LOOKS]]:
            votes[text].append(float(score))
        text = max(votes, key=lambda text: sum(votes[text]))
        readings[index] = text, max(votes[text])


def _looks(crop: np.ndarray) -> list[np.ndarray]:
    return [
        cv2.GaussianBlur(crop, (0, 0), 1.0),
        cv2.LUT(crop, _DARKER),
        cv2.resize(crop, None, fx=1.25, fy=1.0),
    ]


def _mean_score(words: Sequence[Word]) -> float:
    """Weighted by length: a stray mark says little."""
    letters = sum(len(word.text) for word in words)
    return sum(word.score * len(word.text) for word in words) / letters if letters else 0.0


@lru_cache(maxsize=1)
def _recognizer(process_id: int) -> Any:  # noqa: ARG001 - sessions do not survive a fork: one per process
    # Official builds of ONNX Runtime tell Microsoft about each session, unless this is set before they are loaded
    # (its Privacy.md, "Disabling Telemetry").
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    from rapidocr import RapidOCR  # half a second and 100 MB: only where a receipt is really read

    engine = RapidOCR(
        params={
            "Global.use_cls": False,
            "Global.log_level": "critical",
            "Det.limit_type": "max",
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
    engine._load_det_model()  # its own steps, one by one: the whole would detect at one fixed size
    return engine
