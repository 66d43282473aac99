"""Receipts that differ in their day and carry a number that a machine reads off the picture, whatever its size."""

from __future__ import annotations

import io
from datetime import date, timedelta
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from localcloud import demo

_FIRST_DAY = date(2015, 6, 1)
_BITS = 12
MOST = 1 << _BITS
"""Numbers there are; the last one's day is in August 2026."""

_WIDTH, _HEIGHT = 760, 845
_DATE_BOX, _DATE_AT, _DATE_SIZE = (30, 285, 730, 335), (40, 292), 30
_BLOCK, _BLOCK_LEFT, _BLOCK_TOP = 40, 140, 800
_LIGHT = 128


def day(number: int) -> date:
    """What the receipt of this number is dated."""
    return _FIRST_DAY + timedelta(days=number)


def draw(number: int) -> bytes:
    """The demo receipt with another date, and the number as a row of blocks below it: a PNG."""
    picture = _demo().copy()
    pen = ImageDraw.Draw(picture)
    pen.rectangle(_DATE_BOX, fill=255)
    pen.text(_DATE_AT, f"{day(number):%m/%d/%Y} 8:42 AM", fill=0, font=ImageFont.load_default(size=_DATE_SIZE))
    for place in range(_BITS):
        if number >> place & 1:
            left = _BLOCK_LEFT + place * _BLOCK
            pen.rectangle((left, _BLOCK_TOP, left + _BLOCK - 1, _BLOCK_TOP + _BLOCK - 1), fill=0)
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()


def number_of(picture: Image.Image) -> int:
    """The number on a picture that may have been scaled and compressed anew."""
    gray = picture.convert("L")
    across, down = gray.width / _WIDTH, gray.height / _HEIGHT
    number = 0
    for place in range(_BITS):
        x = (_BLOCK_LEFT + (place + 0.5) * _BLOCK) * across
        y = (_BLOCK_TOP + 0.5 * _BLOCK) * down
        value = gray.getpixel((int(x), int(y)))
        if isinstance(value, int | float) and value < _LIGHT:
            number |= 1 << place
    return number


@cache
def _demo() -> Image.Image:
    with Image.open(demo.RECEIPT) as picture:
        return picture.convert("L")
