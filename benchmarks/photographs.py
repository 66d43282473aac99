"""What a phone or a poor scanner makes of a receipt: seeded copies for `benchmarks/extraction.py --copies`."""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

Pixels = np.ndarray


def copy_of(image: bytes, *, kind: str, seed: str) -> bytes:
    """A worse JPEG of a picture, the same for the same seed. `kind` is one of KINDS."""
    pixels = np.asarray(Image.open(io.BytesIO(image)).convert("RGB"))
    if max(pixels.shape) > 2600:  # a phone's picture of it would not be larger
        scale = 2600 / max(pixels.shape)
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    pixels, quality = KINDS[kind](pixels, random.Random(f"{kind} {seed}"))  # noqa: S311 - repeatable, no secret
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _tilted(pixels: Pixels, chance: random.Random) -> tuple[Pixels, int]:
    """Turned by 2 to 8 degrees on a dark desk."""
    angle = chance.choice((-1, 1)) * chance.uniform(2, 8)
    return _warped(_on_desk(pixels, chance), chance, angle=angle, perspective=0.0), 40


def _photographed(pixels: Pixels, chance: random.Random) -> tuple[Pixels, int]:
    """Held at an angle, curled, in uneven light, not quite in focus."""
    pixels = _curled(_on_desk(pixels, chance), chance)
    pixels = _warped(pixels, chance, angle=chance.uniform(-4, 4), perspective=0.05)
    return _noisy(_lit(cv2.GaussianBlur(pixels, (0, 0), chance.uniform(0.6, 1.1)), chance), chance), 70


def _shrunk(pixels: Pixels, chance: random.Random) -> tuple[Pixels, int]:
    """60 % of the size, margins cut, JPEG 40."""
    small = cv2.resize(_cropped(pixels, chance), None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    return small, 40


def _upside_down(pixels: Pixels, chance: random.Random) -> tuple[Pixels, int]:
    """Turned by a quarter or a half, and no EXIF to say so."""
    return np.ascontiguousarray(np.rot90(pixels, chance.choice((1, 2, 3)))), 85


KINDS: dict[str, Callable[[Pixels, random.Random], tuple[Pixels, int]]] = {
    "tilted": _tilted,
    "photographed": _photographed,
    "shrunk": _shrunk,
    "turned": _upside_down,
}


def _on_desk(pixels: Pixels, chance: random.Random) -> Pixels:
    """Dark, slightly uneven wood around the paper."""
    height, width = pixels.shape[:2]
    pad_x, pad_y = round(width * chance.uniform(0.08, 0.3)), round(height * chance.uniform(0.04, 0.12))
    colour = chance.randint(30, 110) + np.array([20, 5, -10])
    desk = np.full((height + 2 * pad_y, width + 2 * pad_x, 3), np.clip(colour, 0, 255), np.float32)
    stripes = np.sin(np.arange(desk.shape[0]) / chance.uniform(4, 40))[:, None, None] * 8
    desk = np.clip(desk + stripes, 0, 255).astype(np.uint8)
    desk[pad_y : pad_y + height, pad_x : pad_x + width] = pixels
    return desk


def _warped(pixels: Pixels, chance: random.Random, *, angle: float, perspective: float) -> Pixels:
    height, width = pixels.shape[:2]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    moved = corners + [
        (chance.uniform(-perspective, perspective) * width, chance.uniform(-perspective, perspective) * height)
        for _ in corners
    ]
    turn = np.deg2rad(angle)
    rotation = np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))])
    moved = (moved - (width / 2, height / 2)) @ rotation.T
    moved -= moved.min(axis=0)
    size = tuple(int(side) for side in np.ceil(moved.max(axis=0)))
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    edge = tuple(int(value) for value in pixels[0, 0])
    return cv2.warpPerspective(pixels, matrix, size, flags=cv2.INTER_LINEAR, borderValue=edge)


def _curled(pixels: Pixels, chance: random.Random) -> Pixels:
    """Rows bend like a paper that was rolled up: by up to 1.5 % of the width."""
    height, width = pixels.shape[:2]
    bend = chance.uniform(-0.015, 0.015) * width
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    y = y + bend * (1 - ((x - width / 2) / (width / 2)) ** 2).astype(np.float32)
    return cv2.remap(pixels, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _lit(pixels: Pixels, chance: random.Random) -> Pixels:
    """A lamp at one side and a shadow across."""
    height, width = pixels.shape[:2]
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    turn = chance.uniform(0, 2 * np.pi)
    light = 0.8 + 0.35 * (np.cos(turn) * (x - 0.5) + np.sin(turn) * (y - 0.5))
    edge = chance.uniform(0.2, 0.8) + chance.uniform(-0.5, 0.5) * x
    light *= 1 - 0.3 / (1 + np.exp((y - edge) * 60))
    return np.clip(pixels * light[:, :, None], 0, 255).astype(np.uint8)


def _noisy(pixels: Pixels, chance: random.Random) -> Pixels:
    grain = np.random.default_rng(chance.getrandbits(32)).normal(0, 5, pixels.shape[:2])
    return np.clip(pixels + grain[:, :, None], 0, 255).astype(np.uint8)


def _cropped(pixels: Pixels, chance: random.Random) -> Pixels:
    """The empty margin is cut away, to within a few pixels of the ink."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    ys, xs = np.nonzero(grey < np.percentile(grey, 60) - 60)
    if not len(xs):
        return pixels
    gap = chance.randint(2, 12)
    left, right = np.percentile(xs, (0.1, 99.9)).astype(int)
    top, bottom = np.percentile(ys, (0.1, 99.9)).astype(int)
    return pixels[max(0, top - gap) : bottom + gap, max(0, left - gap) : right + gap]
