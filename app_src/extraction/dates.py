"""The day of the purchase, from rows of text."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar januari", "feb february februar februari", "mar march märz mrz mac", "apr april",
            "may mai mei", "jun june juni", "jul july juli julai", "aug august ogos ogo", "sep sept september",
            "oct october okt oktober", "nov november", "dec december dez dezember dis disember",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_YEAR_FIRST = re.compile(r"(?<!\d)(20\d{2})\s?([-/.])\s?(\d{1,2})\s?\2\s?([0-3]?\d)")
_YEAR_LAST = re.compile(r"(?<![\d.])(\d{1,2})\s?([-/.'])\s?(\d{1,2})\s?\2\s?(20\d{2}|\d{2})(?!\d(?!\d?:))")
_MONTH_NAME = re.compile(
    r"(?<!\d)(?:(?P<day>[0-3]?\d)(?:st|nd|rd|th)?[\s.,/-]*(?P<name>[a-zä]{3,9})\.?|(?P<name2>[a-zä]{3,9})[\s./-]*(?P<day2>[0-3]?\d)(?:st|nd|rd|th)?)"
    r"[\s.,/'-]*(?P<year>20\d{2}|\d{2})(?!\d(?!\d?:))",
    re.IGNORECASE,
)
# Fri Apr 03 18:22:11 2015
_YEAR_AFTER_TIME = re.compile(
    r"(?P<name>[a-z]{3,9})\s(?P<day>[0-3]?\d)\s[0-2]?\d:\d\d(?::\d\d)?(?:\s?[ap]m)?(?:\s[a-z]{3,4})?\s(?P<year>20\d{2})",
    re.IGNORECASE,
)
# 18/03:18, where a separator was misread: believed only where no better date is found.
_BLURRED = re.compile(
    r"(?<![\d.:/-])([0-3]?\d)\s?(?:[-/.]\s?([01]?\d)\s?[-/.:;,' ]|[:;,']\s?([01]?\d)\s?[-/])\s?"
    r"(20[0-3]\d|[0-3]\d)(?!\d)(?!\s?%)"
)
# Something like a date, with letters among its digits.
_MISREAD = re.compile(r"(?<![A-Za-z\d])[\dOoIl|SB]{1,4}([-/.])[\dOoIl|SB]{1,2}\1[\dOoIl|SB]{2,4}(?![A-Za-z])")
_DIGIT_FOR = str.maketrans("OoIl|SB", "0011158")
_TIME = re.compile(r"(?<!\d)[0-2]?\d[:.][0-5]\d([:.][0-5]\d)?\s?([ap]m)?", re.IGNORECASE)
_LABEL = re.compile(r"\bdat(e|um)\b|tarikh|\bdated?\b|bill date", re.IGNORECASE)
_OTHER_DATE = re.compile(
    r"expir|valid|\bexp\b|until|gültig|member since|due date|\bdob\b|\bbis\b|best before", re.IGNORECASE
)

# 03/04/2025 on a receipt that does not give its country away.
_EITHER_WAY = 0.4


@dataclass(frozen=True, slots=True)
class Day:
    """A day and the characters of the row it stands on: `row[start:end]`."""

    day: date
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class PurchaseDate:
    """The day of the purchase, a confidence of 0 to 1, and where it stands."""

    day: date
    confidence: float
    row: int
    start: int
    end: int


def purchase_date(rows: Sequence[str], *, month_first: bool | None, today: date | None = None) -> PurchaseDate | None:
    """The most likely day.

    Args:
        rows: The receipt's rows, top to bottom.
        month_first: How to take 03/04/2025: True in the US. None where the country is not known: it is taken as in
            the US, with little confidence. Days over 12 and dots decide by themselves.
        today: Later dates than its morrow are not believed; default is the clock's.
    """
    today = today or datetime.now(tz=UTC).date()
    unknown, month_first = month_first is None, month_first is not False
    scores: dict[date, float] = defaultdict(float)
    places: dict[date, tuple[float, int, Day]] = {}
    for index, text in enumerate(rows):
        before = 0
        for found in sorted(find_dates(text, month_first=month_first), key=lambda found: found.start):
            said, before = text[before : found.start], found.end
            if index and not said.strip():
                said = rows[index - 1]
            if found.day.year < 2000 or (found.day - today).days > 1:
                continue
            labelled = bool(_LABEL.search(text)) or (index > 0 and bool(_LABEL.search(rows[index - 1])))
            timed = bool(_TIME.search(text[found.end :]) or _TIME.search(text[: found.start]))
            score = 1.0 + labelled + timed - 0.01 * index
            if _OTHER_DATE.search(said):
                score -= 1.5
            scores[found.day] += score
            places[found.day] = max(
                places.get(found.day, (score, index, found)), (score, index, found), key=lambda p: p[0]
            )
    if not scores:
        return _wrapped_date(rows, month_first=month_first, today=today) or _blurred_date(
            rows, month_first=month_first, today=today
        )
    ranked = sorted(scores, key=lambda day: scores[day], reverse=True)
    best = ranked[0]
    lead = scores[best] - (scores[ranked[1]] if len(ranked) > 1 else 0)
    _, row, place = places[best]
    confidence = max(0.3, min(0.99, 0.5 + 0.2 * lead))
    if unknown and any(
        other.day != best for other in find_dates(rows[row][place.start : place.end], month_first=False)
    ):
        confidence = min(confidence, _EITHER_WAY)
    return PurchaseDate(best, confidence, row, place.start, place.end)


def _wrapped_date(rows: Sequence[str], *, month_first: bool, today: date) -> PurchaseDate | None:
    """A date that begins on one row and ends on the next."""
    for index, (upper, lower) in enumerate(pairwise(rows)):
        for found in find_dates(f"{upper} {lower}", month_first=month_first):
            if found.start < len(upper) and found.day.year >= 2000 and (found.day - today).days <= 1:
                return PurchaseDate(found.day, 0.5, index, found.start, len(upper))
    return None


def _blurred_date(rows: Sequence[str], *, month_first: bool, today: date) -> PurchaseDate | None:
    """The first thing that may have been a date, on a row that speaks of one or of a time before it is taken."""
    for index, text in enumerate(rows):
        if not (_LABEL.search(text) or _TIME.search(text) or (index and _LABEL.search(rows[index - 1]))):
            continue
        for match in _BLURRED.finditer(text):
            first, second = int(match[1]), int(match[2] or match[3])
            pair = (first, second) if month_first and first <= 12 else (second, first)
            for found in _valid(int(match[4]), *pair, match):
                if found.day.year >= 2000 and (found.day - today).days <= 1:
                    return PurchaseDate(found.day, 0.3, index, found.start, found.end)
    return None


def find_dates(text: str, *, month_first: bool) -> list[Day]:
    """Every valid date in a row, as written."""
    return list(_dates(text, month_first=month_first))


def _dates(text: str, *, month_first: bool) -> Iterator[Day]:
    text = _MISREAD.sub(lambda match: match[0].translate(_DIGIT_FOR), text)
    for match in _YEAR_FIRST.finditer(text):
        yield from _valid(int(match[1]), int(match[3]), int(match[4]), match)
    for match in _YEAR_LAST.finditer(text):
        first, second, year = int(match[1]), int(match[3]), match[4]
        if len(year) == 4 and text[match.end() : match.end() + 1] == ":":
            year = year[:2]  # 07.04.2014:38 is the 7th of April 2020, at 14:38
        month_leads = second > 12 or (month_first and match[2] != "." and first <= 12)
        month, day = (first, second) if month_leads else (second, first)
        yield from _valid(int(year), month, day, match)
    for match in _MONTH_NAME.finditer(text):
        month = _MONTHS.get((match["name"] or match["name2"]).lower(), 0)
        yield from _valid(int(match["year"]), month, int(match["day"] or match["day2"]), match)
    for match in _YEAR_AFTER_TIME.finditer(text):
        yield from _valid(int(match["year"]), _MONTHS.get(match["name"].lower(), 0), int(match["day"]), match)


def _valid(year: int, month: int, day: int, match: re.Match[str]) -> Iterator[Day]:
    try:
        yield Day(date(year + 2000 if year < 100 else year, month, day), *match.span())
    except ValueError:
        return
