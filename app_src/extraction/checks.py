"""Does a receipt add up, and does it say what it is said to say? The same questions to whatever reader read it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

from extraction import grounding
from extraction.page import Page
from extraction.schema import Extraction

# A receipt may be rounded to the smallest coin.
_TOLERANCE = Decimal("0.05")

_UNSURE = 0.5
"""A reader that is less sure of a field than this asks for a person by itself."""

_SURE = 0.75
"""The embedded reader is as sure as this of a total that arithmetic confirms."""

_NAMES = {"merchant": "merchant", "purchased_on": "date", "total": "total"}

# What nobody prints on a receipt but to be read by a machine.
_ORDERS = re.compile(
    r"\b(ignore|disregard|forget|override)\b.{0,40}\b(instruction|prompt|previous|above|rule)"
    r"|\b(system|developer)\s*(prompt|message)\b"
    r"|\b(you are|act as|pretend to be)\b.{0,30}\b(ai|assistant|model|bot|chatgpt|gpt)\b"
    r"|\b(ai|llm|chatgpt|gpt|language model|assistant|ocr|reader)\s*[:,]\s*(please|set|report|return|answer|output|say)"
    r"|\b(set|report|output|return|answer|respond) (with )?(the|a|an|that|this) (\w+ )?"
    r"(total|amount|merchant|date|json)\b"
    r"|\bthe (total|amount|date|merchant) (is|must be|should be)\b",
    re.IGNORECASE,
)


def doubts(extraction: Extraction, *, page: Page | None = None, local: Extraction | None = None) -> list[str]:
    """Sentences on what is missing, does not add up or is not printed; empty when nothing speaks against the fields.

    Args:
        extraction: Somebody's reading.
        page: What was recognized on the same picture; without it nothing is looked up there.
        local: What the embedded reader made of that page.
    """
    found = [f"The {name} was not found." for field, name in _NAMES.items() if getattr(extraction, field) is None]
    found += [
        f"The {name} is uncertain."
        for field, name in _NAMES.items()
        if getattr(extraction, field) is not None and extraction.confidence.get(field, 1.0) < _UNSURE
    ]
    agreed = local is not None and local.confidence.get("total", 0.0) >= _SURE
    confirmed = agreed and local is not None and local.total == extraction.total
    found += _sums(extraction, confirmed=confirmed)
    if page is not None:
        found += _not_printed(extraction, page)
    if agreed and not confirmed and extraction.total is not None and local is not None:
        found.append(f"Another reader takes {local.total} for the total.")
    return found


def orders_in(text: str) -> list[str]:
    """A reason for review where a text tries to tell its reader what to do; rows are read across their ends."""
    if _ORDERS.search(re.sub(r"\s+", " ", text)):
        return ["The text on the picture tries to give orders to whoever reads it."]
    return []


def _sums(extraction: Extraction, *, confirmed: bool) -> list[str]:
    """`confirmed`: the embedded reader's sums come to the same total, by service charge or rounding perhaps."""
    found = []
    day, total = extraction.purchased_on, extraction.total
    if day and (day.year < 2000 or (day - datetime.now(tz=UTC).date()).days > 1):
        found.append("The date lies in the future or too far back.")
    by_rate = [line.amount for line in extraction.tax_lines]
    if extraction.tax is not None and by_rate and abs(sum(by_rate, Decimal(0)) - extraction.tax) > _TOLERANCE:
        found.append("The taxes by rate do not add up to the tax.")
    if total is None:
        return found
    if total <= 0:
        found.append("The total is not a positive amount.")
    if extraction.subtotal is not None and not confirmed and not _adds_up(extraction, extraction.subtotal, total):
        found.append("Subtotal, tax and tip do not add up to the total.")
    prices = [item.price for item in extraction.items if item.price is not None]
    of_items = sum(prices, Decimal(0))
    if prices and not _adds_up(extraction, of_items, total) and not (confirmed and of_items <= total):
        found.append("The items do not add up to the total.")
    return found


def _adds_up(extraction: Extraction, start: Decimal, total: Decimal) -> bool:
    """Tax is added in some countries and included in others; either will do."""
    tip, tax = extraction.tip or Decimal(0), extraction.tax or Decimal(0)
    return any(abs(start + part - total) <= _TOLERANCE for part in (Decimal(0), tax, tip, tax + tip))


def _not_printed(extraction: Extraction, page: Page) -> list[str]:
    """What the text of the picture does not bear out. A few misread letters are allowed for."""
    if not page.words:
        return ["No text was recognized on the picture that would bear the answer out."]
    printed = {
        "merchant": extraction.merchant is None or grounding.find_text(page, extraction.merchant) is not None,
        "purchased_on": extraction.purchased_on is None or bool(grounding.find_date(page, extraction.purchased_on)),
        "total": extraction.total is None or bool(grounding.find_amount(page, extraction.total)),
    }
    return [
        f"The {name} was not found in the text of the picture." for field, name in _NAMES.items() if not printed[field]
    ]
