"""The embedded engine: text recognition and rules. No key, no network, about two processor seconds a receipt."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from PIL import Image

from extraction.categories import categorize
from extraction.dates import purchase_date
from extraction.grounding import rows_of
from extraction.images import open_photo
from extraction.items import read_items
from extraction.labels import Kind
from extraction.lines import Line, read_lines
from extraction.merchants import find_address, find_merchant
from extraction.money import currency_of, currency_sign, faint_amount, find_amounts
from extraction.page import PHOTO_SIDE, Page
from extraction.rows import Row
from extraction.schema import Box, Extraction
from extraction.sums import Sums, read_sums

# Below these a person should look. benchmarks/extraction.py shows how often a field above its line is still wrong: on
# 57 scans, their copies and 84 drawn receipts no wrong total; a lone label, which nothing confirms, stays below.
_SURE_ENOUGH = {"merchant": 0.35, "purchased_on": 0.45, "total": 0.5}


class LocalEngine:
    """Implements `extraction.Engine`. Safe to call from several threads: they take turns."""

    name = "local"

    def extract(self, image: bytes) -> Extraction:
        """See `Engine.extract`; never raises RetryableExtractionError."""
        return read_page(recognize(image))


def recognize(image: bytes | Image.Image) -> Page:
    """All text on a receipt: the slow half of the reading, whose result may be kept and used again.

    Args:
        image: The bytes as uploaded, or a picture as `open_photo` gives it.

    Raises:
        RejectedImageError: See `open_photo`.
    """
    from extraction.ocr import read_words  # OpenCV and the models: only where something is really recognized

    photo = open_photo(image, longest_side=PHOTO_SIDE) if isinstance(image, bytes) else image
    return read_words(np.asarray(photo))


def read_page(page: Page) -> Extraction:
    """The fields of a receipt from its recognized words."""
    rows = rows_of(page)

    def around(places: Sequence[int]) -> Box:
        return page.box(corner for place in places for corner in rows[place].corners())

    texts = [row.text for row in rows]
    text = "\n".join(texts)
    merchant = find_merchant(rows)
    address = find_address(rows, merchant.row) if merchant else []
    lines = read_lines(texts)
    first = read_sums(lines, item_prices=[])
    found = read_items(lines, until=first.first_row, head=address)
    prices = [item.price for item, _ in found if item.price is not None]
    sums = read_sums(lines, item_prices=prices)
    currency = currency_of(text)
    day = purchase_date(texts, month_first=currency == "USD" if currency else None)
    category, category_confidence = categorize(merchant.name if merchant else None, text)
    payment = _payment(lines)
    boxes = _amount_boxes(page, rows, sums)
    if merchant:
        boxes["merchant"] = around([merchant.row])
    if address:
        boxes["address"] = around(address)
    if day:
        boxes["purchased_on"] = page.box(rows[day.row].corners(day.start, day.end))
    if payment:
        boxes["payment"] = around([payment[1]])
    if currency and (sign := next(((row, span) for row in rows if (span := currency_sign(row.text, currency))), None)):
        boxes["currency"] = page.box(sign[0].corners(*sign[1]))
    confidence = {"category": category_confidence}
    if merchant:
        confidence["merchant"] = merchant.confidence
    if day:
        confidence["purchased_on"] = day.confidence
    if sums.total is not None:
        confidence["total"] = sums.confidence
    return Extraction(
        merchant=merchant.name if merchant else None,
        address=", ".join(texts[row].strip(" ,") for row in address) or None,
        purchased_on=day.day if day else None,
        currency=currency,
        subtotal=sums.subtotal,
        tax=sums.tax,
        tip=sums.tip,
        total=sums.total,
        payment=payment[0] if payment else None,
        items=[item.model_copy(update={"box": around(places)}) for item, places in found],
        category=category,
        confidence={field: round(value, 2) for field, value in confidence.items()},
        boxes=boxes,
        engine=LocalEngine.name,
        text=text,
        needs_review=_doubts(rows, sums, confidence, sum(prices, Decimal(0))),
    )


def _amount_boxes(page: Page, rows: Sequence[Row], sums: Sums) -> dict[str, Box]:
    boxes = {}
    for name, index in sums.rows.items():
        row, value = rows[index], getattr(sums, name)
        printed = [*find_amounts(row.text), faint_amount(row.text)]
        place = [amount for amount in printed if amount and amount.value == value][-1]
        boxes[name] = page.box(row.corners(place.start, place.end))
    return boxes


def _payment(lines: Sequence[Line]) -> tuple[str, int] | None:
    """`cash` or `card`, and the row that says so."""
    said = {line.kind: line.index for line in reversed(lines) if line.amounts and not line.in_tax_table}
    change = any(line.kind is Kind.CHANGE and line.amounts and line.last for line in lines)
    cash = said.get(Kind.CASH, said.get(Kind.CHANGE))
    if cash is not None and (change or Kind.CARD not in said):
        return "cash", cash
    return ("card", said[Kind.CARD]) if Kind.CARD in said else None


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
