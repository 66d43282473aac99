"""What a person puts right: stored over what was read, and remembered for the next receipt of the same shop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from extraction import Extraction, Item
from extraction.checks import doubts
from receipts import remembered
from receipts.models import LineItem, Receipt, RememberedCorrection
from receipts.refused import RefusedError
from receipts.states import READ, State, move


class CannotCorrectError(RefusedError):
    """Nothing was read, something is missing, or it changed meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Correction:
    """`warnings` are sentences on what still does not add up: a person may know better, so it is stored all the same.

    `memory` is what was remembered by it, if anything.
    """

    receipt: Receipt
    warnings: list[str]
    memory: RememberedCorrection | None


def correct(
    receipt: Receipt,
    *,
    changes: dict[str, Any],
    lines: Sequence[dict[str, Any]] | None = None,
    remember: bool = True,
) -> Correction:
    """Store `changes` to columns and, when given, `lines` in place of all the receipt's lines; settles a review.

    No changes at all say that what was read is right. Raises CannotCorrectError.
    """
    if receipt.state not in READ:
        raise CannotCorrectError(f"A receipt that is {receipt.state} has nothing to correct.", code="not_read")
    if changes.get("total", receipt.total) is None:
        raise CannotCorrectError("This receipt has no total: correct it, too.", code="no_total")
    # How sure the reader was of a field says nothing about what the person put there.
    confidence = {name: value for name, value in receipt.confidence.items() if name not in changes}
    with transaction.atomic():
        # Not over what the person has not seen: somebody may just have read it afresh.
        seen = Receipt.objects.select_for_update().filter(id=receipt.id, updated_at=receipt.updated_at)
        moved = seen.values_list("id").first() and move(
            receipt.id,
            source=State(receipt.state),
            target=State.EXTRACTED,
            reason="",
            review_reasons=[],
            corrected_at=timezone.now(),
            reread_at=None,
            confidence=confidence,
            **changes,
        )
        if not moved:
            raise CannotCorrectError("The receipt changed meanwhile; look at it again.", code="changed")
        if lines is not None:
            _replace_lines(receipt, lines)
        memory = remembered.learn(receipt, changes) if remember else None
    receipt.refresh_from_db()
    return Correction(receipt=receipt, warnings=_warnings(receipt), memory=memory)


def _replace_lines(receipt: Receipt, lines: Sequence[dict[str, Any]]) -> None:
    """A line that keeps its description keeps its place on the picture, too."""
    boxes = dict(receipt.items.values_list("description", "box"))
    LineItem.objects.filter(receipt=receipt).delete()
    LineItem.objects.bulk_create(
        LineItem(receipt=receipt, position=position, box=boxes.get(line["description"]), **line)
        for position, line in enumerate(lines)
    )


def _warnings(receipt: Receipt) -> list[str]:
    items = [
        Item(description=line.description, quantity=line.quantity, unit_price=line.unit_price, price=line.price)
        for line in receipt.items.all()
    ]
    fields = {name: getattr(receipt, name) or None for name in ("merchant", "purchased_on")}
    amounts = {name: getattr(receipt, name) for name in ("subtotal", "tax", "tip", "total")}
    return doubts(Extraction(engine=receipt.engine, items=items, **fields, **amounts))
