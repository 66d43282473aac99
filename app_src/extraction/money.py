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
# Letters that recognizers put for digits: right behind a currency sign, and in what is an amount otherwise.
_LETTER_FOR_ONE = re.compile(r"(?<=RM)[Il|](?=\d)")
_LETTERS_IN_AMOUNT = re.compile(r"(?<![A-Za-z\d.,])[\dOolI|][\dOolI|SB]{0,4}[.,][\dOolI|SB]{2}(?![A-Za-z\d.,])")
_DIGIT_FOR = str.maketrans("OolI|SB", "0011158")

# 21 20: the point was too faint to be seen. Believed at the end of a row whose words announce an amount.
_SPACED = re.compile(r"(?<![\d.,/:#-])(?<!\d )(\d{1,4}) (\d{2})(?= ?[A-Z]{0,2}$)")

CENT = Decimal("0.01")

_SIGNS = (
    ("MYR", re.compile(r"\bRM\s?\d|\bRM\b|\bMYR\b")),
    ("EUR", re.compile(r"€|\bEUR(?:O)?\b")),
    ("GBP", re.compile(r"£|\bGBP\b")),
    ("MAD", re.compile(r"\bDH\b|\bMAD\b")),
    ("SGD", re.compile(r"S\$|\bSGD\b")),
    ("USD", re.compile(r"\bUSD\b|US\$")),
)
# O and I as recognizers take them, too.
_STATES = (
    "A[LKZR]|C[AOT]|D[CE]|FL|GA|H[I1]|[I1][DLNA]|K[SY]|LA|M[EDAINSTO0]|N[EVHJMYCD]|[O0][HKR]|PA|R[I1]|S[CD]|T[NX]|UT|V[TA]"
    "|W[AVIY]"
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
            rf"\b(?:{_STATES})\.?,? ?\d{{5}}(?:-\d{{4}})?\b|\bsales tax\b|\b(?:visa|debit|cash) tend\b"
            r"|(?<![\d-])\(?[2-9]\d{2}(?:\) ?|[-.])[2-9]\d{2}[-.]\d{4}(?!\d)",
            re.IGNORECASE,
        ),
    ),
    ("USD", re.compile(rf"[a-z]{{3,}}, ?(?:{_STATES})\.?$", re.IGNORECASE | re.MULTILINE)),
    ("USD", re.compile(r"(?<![\d/.-])(?:0?[1-9]|1[0-2])([/-])(?:1[3-9]|2\d|3[01])\1(?:20)?\d{2}(?!\d)")),  # month first
)


@dataclass(frozen=True, slots=True, order=True)
class Amount:
    """An amount and the characters of the row it stands on: `row[start:end]`."""

    start: int
    end: int
    value: Decimal


def find_amounts(text: str) -> list[Amount]:
    """Every amount in a row, left to right; negative where a minus stands before or after it."""
    text = _with_digits(text)
    found = []
    for match in _AMOUNT.finditer(text):
        whole = re.sub(r"\D", "", match["whole"])
        value = Decimal(f"{whole}.{match['cents']}")
        found.append(Amount(*match.span(), -value if match["minus"] or match["after"] else value))
    found += [Amount(*match.span(), Decimal(match[1])) for match in _WHOLE.finditer(text)]
    return sorted(found)


def _with_digits(text: str) -> str:
    """Misread letters in amounts made digits; as long as the text was."""

    def repaired(match: re.Match[str]) -> str:
        return match[0].translate(_DIGIT_FOR) if sum(c.isdigit() for c in match[0]) >= 2 else match[0]

    return _LETTERS_IN_AMOUNT.sub(repaired, _LETTER_FOR_ONE.sub("1", text))


def faint_amount(text: str) -> Amount | None:
    """The amount at a row's end whose decimal point was not recognized."""
    match = _SPACED.search(text)
    return Amount(*match.span(), Decimal(f"{match[1]}.{match[2]}")) if match else None


def amounts(text: str) -> list[Decimal]:
    """The values of `find_amounts`."""
    return [amount.value for amount in find_amounts(text)]


def without_amounts(text: str) -> str:
    """The row's words alone."""
    return _WHOLE.sub(" ", _AMOUNT.sub(" ", _with_digits(text)))


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
    country = next((code for code, hints in _COUNTRIES if hints.search(text)), None)
    if counts[best] > 1 or (counts[best] and country in (None, best)):
        return best  # a single sign against the country's own words may be a misread letter
    return country or ("USD" if "$" in text else None)
