"""Amounts and currencies as printed on receipts of several countries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

# 1,234.56 | 1.234,56 | 1 234.56 | 1234.56 | .99 is not money: a lone fraction is an OCR fragment.
# Not part of a date, a longer number or a percentage.
_AMOUNT = re.compile(
    r"(?<![\d.,/:-])(?P<minus>-\s?)?(?P<whole>\d{1,3}(?:[.,' ]\d{3})+|\d{1,6})\s?(?P<separator>[.,])\s?(?P<cents>\d{2})"
    r"(?P<after>-)?(?!\d)(?![.,]\d)(?!\s?%)"
    r"(?!\s?(?:kg|g|lbs?|oz|l|ltr|lit(?:er|re)s?|gal)\b)(?!\s?(?:EUR|RM|\$)?\s?/\s?[a-zA-Z])"
)
# RM 30 and $ 7: whole amounts count as money only behind a currency.
_WHOLE = re.compile(r"(?:RM|MYR|EUR|USD|\$|€|£)\s?(\d{1,5})(?![\d.,:%-])")
# Letters that recognizers put for digits, right behind a currency sign only.
_LETTER_FOR_ONE = re.compile(r"(?<=RM)[Il|](?=\d)")

CENT = Decimal("0.01")

_SIGNS = (
    ("MYR", re.compile(r"\bRM\s?\d|\bRM\b|\bMYR\b")),
    ("EUR", re.compile(r"€|\bEUR(?:O)?\b")),
    ("GBP", re.compile(r"£|\bGBP\b")),
    ("MAD", re.compile(r"\bDH\b|\bMAD\b")),
    ("SGD", re.compile(r"S\$|\bSGD\b")),
    ("USD", re.compile(r"\bUSD\b|US\$")),
)
# Where no sign is printed, the country gives the currency away.
_COUNTRIES = (
    (
        "MYR",
        re.compile(r"\bSDN\b|\bS/B\b|\bMALAYSIA\b|\bJALAN\b|\bSELANGOR\b|\bKUALA LUMPUR\b|\bJOHOR\b", re.IGNORECASE),
    ),
    ("EUR", re.compile(r"\bMwSt\b|\bUSt\b|\bGmbH\b|Straße|\bR[üu]ckgeld\b|\bSteuer", re.IGNORECASE)),
    ("GBP", re.compile(r"\bVAT\b|\bPLC\b")),
    (
        "USD",
        re.compile(
            r"\b[A-Z]{2},? \d{5}(?:-\d{4})?\b|\bsales tax\b|\(\d{3}\) ?\d{3}-\d{4}|\b(?:visa|debit|cash) tend\b",
            re.IGNORECASE,
        ),
    ),
)


@dataclass(frozen=True, slots=True, order=True)
class Amount:
    """An amount and the characters of the row it stands on: `row[start:end]`."""

    start: int
    end: int
    value: Decimal


def find_amounts(text: str) -> list[Amount]:
    """Every amount in a row, left to right; negative where a minus stands before or after it."""
    text = _LETTER_FOR_ONE.sub("1", text)
    found = []
    for match in _AMOUNT.finditer(text):
        whole = re.sub(r"\D", "", match["whole"])
        value = Decimal(f"{whole}.{match['cents']}")
        found.append(Amount(*match.span(), -value if match["minus"] or match["after"] else value))
    found += [Amount(*match.span(), Decimal(match[1])) for match in _WHOLE.finditer(text)]
    return sorted(found)


def amounts(text: str) -> list[Decimal]:
    """The values of `find_amounts`."""
    return [amount.value for amount in find_amounts(text)]


def without_amounts(text: str) -> str:
    """The row's words alone."""
    return _WHOLE.sub(" ", _AMOUNT.sub(" ", _LETTER_FOR_ONE.sub("1", text)))


def currency_sign(text: str, code: str) -> tuple[int, int] | None:
    """Where a row shows a currency's own sign: first and last character."""
    for name, sign in (*_SIGNS, ("USD", re.compile(r"\$"))):
        if name == code and (match := sign.search(text)):
            return match.span()
    return None


def currency_of(text: str) -> str | None:
    """ISO code by sign, else by country; a bare dollar sign is a US one unless the country says otherwise."""
    counts = {code: len(sign.findall(text)) for code, sign in _SIGNS}
    best = max(counts, key=lambda code: counts[code])
    if counts[best]:
        return best
    for code, country in _COUNTRIES:
        if country.search(text):
            return code
    return "USD" if "$" in text else None
