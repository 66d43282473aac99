"""What the machine knows, said to a person."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from receipts.models import LineItem, Receipt
from receipts.states import State


@dataclass(frozen=True, kw_only=True)
class StateWords:
    """`kind` is the badge's look: `busy`, `good`, `doubt` or `bad`."""

    word: str
    kind: str


STATES = {
    State.AWAITING_UPLOAD: StateWords(word="Uploading", kind="busy"),
    State.UPLOADED: StateWords(word="Waiting", kind="busy"),
    State.QUEUED: StateWords(word="Waiting", kind="busy"),
    State.EXTRACTING: StateWords(word="Being read", kind="busy"),
    State.BATCHED: StateWords(word="Read later", kind="busy"),
    State.EXTRACTED: StateWords(word="Done", kind="good"),
    State.NEEDS_REVIEW: StateWords(word="Please check", kind="doubt"),
    State.FAILED: StateWords(word="Failed", kind="bad"),
    State.REJECTED: StateWords(word="Refused", kind="bad"),
}

CATEGORIES = (
    *("groceries", "restaurants", "transport", "home", "health", "shopping", "travel", "entertainment", "other"),
)
"""The engines' own, in the order of the charts' colours."""

_SPOKEN_OF = {
    "merchant": "merchant",
    "date": "purchased_on",
    "items": "items",
    "subtotal": "subtotal",
    "tax": "tax",
    "tip": "tip",
    "currency": "currency",
    "total": "total",
}


def doubts_by_field(receipt: Receipt, items: Iterable[LineItem]) -> dict[str, list[str]]:
    """The reader's doubts, and what does not add up in figures, beside the field that each speaks of first.

    What speaks of no field is under the empty name.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for reason in receipt.review_reasons:
        spoken = next((word for word in re.findall(r"[a-z]+", reason.lower()) if word in _SPOKEN_OF), "")
        found[_SPOKEN_OF.get(spoken, "")].append(reason)
    if receipt.review_reasons:
        for name, sentence in _differences(receipt, items).items():
            found[name].append(sentence)
    return dict(found)


def _differences(receipt: Receipt, items: Iterable[LineItem]) -> dict[str, str]:
    total = receipt.total
    if total is None:
        return {}
    found = {}
    extra = (receipt.tax or Decimal(0)) + (receipt.tip or Decimal(0))
    # Tax is added in some countries and included in others.
    ways = {Decimal(0), extra, receipt.tax or Decimal(0), receipt.tip or Decimal(0)}
    prices = [item.price for item in items if item.price is not None]
    if prices and all(abs(sum(prices) + way - total) > _COIN for way in ways):
        found["items"] = f"The items make {sum(prices)}, the total is {total}."
    if receipt.subtotal is not None and all(abs(receipt.subtotal + way - total) > _COIN for way in ways):
        found["subtotal"] = f"Subtotal, tax and tip make {receipt.subtotal + extra}, the total is {total}."
    return found


def notices(receipt: Receipt) -> list[str]:
    """What else a person should know of how it was read."""
    found = []
    if receipt.fallback:
        found.append(FALLBACKS.get(receipt.fallback, FALLBACK))
    if receipt.reread_at:
        found.append("It will be read once more, without your doing, unless you correct it first.")
    return found


FALLBACK = "Our simpler reader read this receipt, as the better one could not be asked."
FALLBACKS = {
    "breaker_open": "The better reader is out of order just now, so our simpler one read this receipt.",
    "unavailable": "The better reader did not answer, so our simpler one read this receipt.",
    "budget": "Today's budget for the better reader is used up, so our simpler one read this receipt.",
    "in_doubt": "Whether the better reader answered is not certain, so our simpler one read this receipt.",
    "refused_request": "The better reader would not take this picture, so our simpler one read it.",
    "unusable_answer": "The better reader could make nothing of this picture, so our simpler one read it.",
}
"""By `Receipt.fallback`."""

OUTAGES = {
    "budget": "Today's budget for the better reader is used up. Until midnight (UTC) our simpler reader does the work: "
    "please look at what it read a little closer.",
    "breaker_open": "The better reader is out of order just now. Our simpler one does the work meanwhile, "
    "and the better one reads those receipts once more later.",
}
OUTAGES["unavailable"] = OUTAGES["breaker_open"]
"""Of those reasons, what is true for all receipts of the moment."""

LOOKS_TWICE = "It looks like another receipt of yours."

_COIN = Decimal("0.05")
