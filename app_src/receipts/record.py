"""An extraction as rows: what fits into the columns, and a reason for review where something did not."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from extraction import Extraction, Item
from receipts.models import LineItem, Receipt

_AMOUNTS = ("subtotal", "tax", "tip", "total")


@dataclass(frozen=True, kw_only=True)
class Record:
    """`columns` are those of Receipt, each of `lines` those of one LineItem but for receipt and position."""

    columns: dict[str, Any]
    lines: list[dict[str, Any]]
    review_reasons: list[str]


def record(found: Extraction) -> Record:
    """Texts are cut to their columns; an amount too large for its column is a misreading and left out."""
    amounts = {name: _fitting(getattr(found, name), Receipt, name) for name in _AMOUNTS}
    reasons = list(found.needs_review)
    misread = [name for name, amount in amounts.items() if amount is None and getattr(found, name) is not None]
    reasons += [f"The {name} that was read is no sensible amount." for name in misread]
    if amounts["total"] is None and not reasons:
        reasons.append("No total was found.")
    texts = {
        name: _text(getattr(found, name), Receipt, name)
        for name in ("merchant", "address", "currency", "payment", "category", "engine", "text")
    }
    columns = {
        **texts,
        **amounts,
        "purchased_on": found.purchased_on,
        "confidence": found.confidence,
        "boxes": found.boxes,
        "tax_lines": [line.model_dump(mode="json") for line in found.tax_lines],
    }
    return Record(columns=columns, lines=[_line(item) for item in found.items], review_reasons=reasons)


def _line(item: Item) -> dict[str, Any]:
    quantity = _fitting(item.quantity, LineItem, "quantity")
    return {
        "description": _text(item.description, LineItem, "description"),
        "quantity": Decimal(1) if quantity is None else quantity,
        "unit_price": _fitting(item.unit_price, LineItem, "unit_price"),
        "price": _fitting(item.price, LineItem, "price"),
        "box": item.box,
    }


def _text(value: str | None, model: Any, column: str) -> str:
    # PostgreSQL's text holds any character but this one.
    return (value or "").replace("\x00", "")[: model._meta.get_field(column).max_length]


def _fitting(value: Decimal | None, model: Any, column: str) -> Decimal | None:
    field = model._meta.get_field(column)
    if value is None or abs(value) >= 10 ** (field.max_digits - field.decimal_places) - 1:
        return None
    return value.quantize(Decimal(1).scaleb(-field.decimal_places), ROUND_HALF_UP)
