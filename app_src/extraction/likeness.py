"""Whether two pictures show one receipt: looks find candidates, what is printed decides.

A receipt of the same shop with other figures looks nearly the same, so a fingerprint alone never proves anything.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIDE = 64
_FREQUENCIES = 16

_FIGURE = re.compile(
    r"(?<!\d)(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?!\d)(?::\d\d)?"
    r"|(?<!\d)(?P<date>\d{1,4}[-/.']\d{1,2}[-/.']\d{2,4})(?!\d)"
    r"|(?<!\d)(?P<amount>\d{1,3}(?:[.,]\d{3})+[.,]\d\d|\d+[.,]\s?\d\d)(?!\d)"
    r"|(?P<number>\d+(?:[-/]\d+)*)"
)
_WORD = re.compile(r"[^\W\d_]{3,}")
_LEAST_DIGITS = 4
_LEAST_WORDS = 0.6
_LEAST_AMOUNTS = 0.7
"""Shares that two readings of one receipt have in common; a second photograph loses a line or misreads a word."""


def fingerprint(photo: Image.Image) -> str:
    """256 bits as 64 hexadecimal digits that differ little between pictures that look alike (perceptual hash).

    The 16 x 16 lowest frequencies of the picture's cosine transform, each compared with their median, as imagehash's
    `phash(hash_size=16)` does: http://www.hackerfactor.com/blog/index.php?/archives/432-Looks-Like-It.html
    """
    small = photo.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    cosines = _cosines()
    lowest = cosines @ np.asarray(small, dtype=np.float64) @ cosines.T
    return np.packbits(lowest > np.median(lowest)).tobytes().hex()


def distance(one: str, other: str) -> int:
    """Number of bits in which two fingerprints differ, 0 to 256."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


@cache
def _cosines() -> NDArray[np.float64]:
    frequency, place = np.arange(_FREQUENCIES)[:, None], np.arange(_SIDE)[None, :]
    return np.asarray(np.cos(np.pi * frequency * (2 * place + 1) / (2 * _SIDE)))


@dataclass(frozen=True, kw_only=True)
class Print:
    """What a text holds: how often each time, date, amount and number of four digits or more, and which words."""

    times: Counter[str] = field(default_factory=Counter)
    dates: Counter[str] = field(default_factory=Counter)
    amounts: Counter[str] = field(default_factory=Counter)
    numbers: Counter[str] = field(default_factory=Counter)
    words: frozenset[str] = frozenset()


def printed(text: str) -> Print:
    """The parts of a receipt's recognized text by which it is told from others."""
    found = Print(words=frozenset(word.lower() for word in _WORD.findall(text)))
    for match in _FIGURE.finditer(text):
        if match["hour"]:
            found.times[f"{int(match['hour']):02}:{match['minute']}"] += 1
        elif match["date"]:
            found.dates["/".join(str(int(part)) for part in re.split(r"\D", match["date"]))] += 1
        elif match["amount"]:
            found.amounts[re.sub(r"\D", "", match["amount"]).lstrip("0")] += 1
        elif len(digits := re.sub(r"\D", "", match["number"])) >= _LEAST_DIGITS:
            found.numbers[digits] += 1
    return found


def same_receipt(one: Print, other: Print) -> bool:
    """Whether two texts are readings of one receipt, and not of two from the same shop.

    What only one of them holds was lost in the other. Where each holds a figure that the other lacks, a figure differs:
    that may be a misreading, but may be another receipt as well, so the answer is no. A day must be in both, and a time
    in both or in neither.
    """
    dates, times, amounts = (one.dates & other.dates, one.times & other.times, one.amounts & other.amounts)
    if not dates or bool(one.times) != bool(other.times) or (one.times and not times):
        return False
    if amounts.total() < _LEAST_AMOUNTS * max(one.amounts.total(), other.amounts.total(), 1):
        return False
    if len(one.words & other.words) < _LEAST_WORDS * min(len(one.words), len(other.words)):
        return False
    return not (
        _differ(one.times, other.times)
        or _differ(one.dates, other.dates)
        or _differ(one.amounts, other.amounts)
        or _differ(*_apart(one.numbers - other.numbers, other.numbers - one.numbers))
    )


def _differ(one: Counter[str], other: Counter[str]) -> bool:
    """Whether each has what the other lacks."""
    return bool(one - other) and bool(other - one)


def _apart(ones: Counter[str], others: Counter[str]) -> tuple[Counter[str], Counter[str]]:
    """Both without the numbers that are part of one of the other side: recognition splits and joins long ones."""

    def alone(number: str, beside: Counter[str]) -> bool:
        return not any(number in other or other in number for other in beside)

    return (
        Counter({number: count for number, count in ones.items() if alone(number, others)}),
        Counter({number: count for number, count in others.items() if alone(number, ones)}),
    )


_DAY = re.compile(r"(?<!\d)(\d{1,4})\s?([-/.'])\s?(\d{1,2})\s?\2\s?(\d{4}|\d{2})(?!\d)")


def days(text: str) -> set[date]:
    """Every day that a date in the text may mean, whichever order its day and month are in."""
    found = set()
    for match in _DAY.finditer(text):
        first, second, last = int(match[1]), int(match[3]), int(match[4])
        for year, month, day in ((first, second, last), (last, second, first), (last, first, second)):
            with suppress(ValueError):
                found.add(date(year + 2000 if year < 100 else year, month, day))
    return {day for day in found if 2000 <= day.year < 2100}
