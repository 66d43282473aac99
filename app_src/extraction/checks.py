"""Does a receipt add up? The same arithmetic for whatever engine read it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from extraction.schema import Extraction

# A receipt may be rounded to the smallest coin.
_TOLERANCE = Decimal("0.05")


def doubts(extraction: Extraction) -> list[str]:
    """Sentences on what is missing or does not add up; empty when nothing speaks against the fields."""
    found = [
        f"The {name} was not found."
        for name, value in (
            ("merchant", extraction.merchant),
            ("date", extraction.purchased_on),
            ("total", extraction.total),
        )
        if value is None
    ]
    day, total = extraction.purchased_on, extraction.total
    if day and (day.year < 2000 or (day - datetime.now(tz=UTC).date()).days > 1):
        found.append("The date lies in the future or too far back.")
    if total is None:
        return found
    if total <= 0:
        found.append("The total is not a positive amount.")
    if extraction.subtotal is not None and not _adds_up(extraction, extraction.subtotal, total):
        found.append("Subtotal, tax and tip do not add up to the total.")
    prices = [item.price for item in extraction.items if item.price is not None]
    if prices and not _adds_up(extraction, sum(prices, Decimal(0)), total):
        found.append("The items do not add up to the total.")
    return found


def _adds_up(extraction: Extraction, start: Decimal, total: Decimal) -> bool:
    """Tax is added in some countries and included in others; either will do."""
    tip, tax = extraction.tip or Decimal(0), extraction.tax or Decimal(0)
    return any(abs(start + part - total) <= _TOLERANCE for part in (Decimal(0), tax, tip, tax + tip))
