"""OpenAI's answer against the picture's own text: where each value is printed, and what a person should look at."""

from __future__ import annotations

from extraction.checks import doubts, orders_in
from extraction.grounding import find_amount, find_date, find_text
from extraction.page import Page
from extraction.schema import Box, Extraction, Item

_AMOUNTS = ("subtotal", "tax", "tip", "total")
_PLACED_ITEMS = 60
"""Looking for more lines than these would take seconds."""


def verified(found: Extraction, *, page: Page, local: Extraction) -> Extraction:
    """The answer with its boxes, the recognized text and every doubt.

    An answer without any field becomes the embedded reader's, with the reason why.
    """
    orders = orders_in(local.text)
    if _is_empty(found):
        return local.model_copy(update={"needs_review": _once(found.needs_review + local.needs_review + orders)})
    reasons = found.needs_review + doubts(found, page=page, local=local) + orders
    return found.model_copy(
        update={
            "boxes": _boxes(found, page, local),
            "items": [_placed(item, page) for item in found.items[:_PLACED_ITEMS]] + found.items[_PLACED_ITEMS:],
            "text": local.text,
            "needs_review": _once(reasons),
        }
    )


def better(first: Extraction, second: Extraction) -> Extraction:
    """The one with fewer doubts; the second, from the stronger model, where that does not tell."""
    return first if len(first.needs_review) < len(second.needs_review) else second


def _is_empty(found: Extraction) -> bool:
    return found.total is None and found.merchant is None and found.purchased_on is None and not found.items


def _boxes(found: Extraction, page: Page, local: Extraction) -> dict[str, Box]:
    boxes: dict[str, Box] = {}
    for field in (*_AMOUNTS, "merchant", "address", "purchased_on", "currency", "payment"):
        value = getattr(found, field)
        if value is None:
            continue
        if value == getattr(local, field) and field in local.boxes:
            boxes[field] = local.boxes[field]
        elif field in _AMOUNTS and (places := find_amount(page, value)):
            boxes[field] = places[-1]
        elif field == "purchased_on" and (places := find_date(page, value)):
            boxes[field] = places[0]
        elif field in ("merchant", "address") and (place := find_text(page, value)):
            boxes[field] = place
    return boxes


def _placed(item: Item, page: Page) -> Item:
    return item.model_copy(update={"box": find_text(page, item.description)})


def _once(reasons: list[str]) -> list[str]:
    return list(dict.fromkeys(reasons))
