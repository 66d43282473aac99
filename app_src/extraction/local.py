"""The embedded engine: text recognition and rules. No key, no network, about two processor seconds a receipt."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from extraction.categories import categorize
from extraction.dates import purchase_date
from extraction.images import open_photo
from extraction.items import read_items
from extraction.labels import Kind
from extraction.merchants import find_address, find_merchant
from extraction.money import currency_of
from extraction.ocr import PHOTO_SIDE, Word, read_words
from extraction.rows import Row, group_rows
from extraction.schema import Extraction
from extraction.sums import Line, Sums, read_lines, read_sums

# Below these a person should look. The benchmark shows how often a field above its line is still wrong.
_SURE_ENOUGH = {"merchant": 0.35, "purchased_on": 0.45, "total": 0.5}


class LocalEngine:
    """Implements `extraction.Engine`. Safe to call from several threads: they take turns."""

    name = "local"

    def extract(self, image: bytes) -> Extraction:
        """See `Engine.extract`; never raises RetryableExtractionError."""
        return read_receipt(read_words(open_photo(image, longest_side=PHOTO_SIDE)))


def read_receipt(words: Sequence[Word]) -> Extraction:
    """The fields of a receipt from its recognized words."""
    rows = group_rows(words)
    texts = [row.text for row in rows]
    text = "\n".join(texts)
    lines = read_lines(texts)
    first = read_sums(lines, item_prices=[])
    items = read_items(lines, until=first.first_row)
    prices = [item.price for item in items if item.price is not None]
    sums = read_sums(lines, item_prices=prices)
    currency = currency_of(text)
    merchant = find_merchant(rows)
    day = purchase_date(texts, month_first=currency in ("USD", None))
    category, category_confidence = categorize(merchant.name if merchant else None, text)
    confidence = {"category": category_confidence}
    if merchant:
        confidence["merchant"] = merchant.confidence
    if day:
        confidence["purchased_on"] = day[1]
    if sums.total is not None:
        confidence["total"] = sums.confidence
    return Extraction(
        merchant=merchant.name if merchant else None,
        address=find_address(rows, merchant.row) if merchant else None,
        purchased_on=day[0] if day else None,
        currency=currency,
        subtotal=sums.subtotal,
        tax=sums.tax,
        tip=sums.tip,
        total=sums.total,
        payment=_payment(lines),
        items=items,
        category=category,
        confidence={field: round(value, 2) for field, value in confidence.items()},
        engine=LocalEngine.name,
        text=text,
        needs_review=_doubts(rows, sums, confidence, sum(prices, Decimal(0))),
    )


def _payment(lines: Sequence[Line]) -> str | None:
    kinds = {line.kind for line in lines if line.amounts and not line.in_tax_table}
    if Kind.CHANGE in kinds or (Kind.CASH in kinds and Kind.CARD not in kinds):
        return "cash"
    return "card" if Kind.CARD in kinds else None


def _doubts(rows: Sequence[Row], sums: Sums, confidence: dict[str, float], items_sum: Decimal) -> list[str]:
    if not rows:
        return ["No text was found on the picture."]
    names = {"merchant": "merchant", "purchased_on": "date", "total": "total"}
    doubts = []
    for field, threshold in _SURE_ENOUGH.items():
        if field not in confidence:
            doubts.append(f"The {names[field]} was not found.")
        elif confidence[field] < threshold:
            doubts.append(f"The {names[field]} is uncertain.")
    if sums.total is not None and sums.total < items_sum and not sums.agreed:
        doubts.append("The items add up to more than the total.")
    return doubts
