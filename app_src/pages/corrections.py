"""What a person puts right on a page is stored in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from receipts.models import LineItem, Receipt
from receipts.states import State, move

COLUMNS = ("merchant", "purchased_on", "category", "total", "currency", "subtotal", "tax", "tip", "address")


def correct(receipt: Receipt, *, form: dict[str, Any], lines: Iterable[dict[str, Any]]) -> bool:
    """Store the fields and the lines; False when the receipt has changed since it was looked up."""
    with transaction.atomic():
        moved = move(
            receipt.id,
            source=State(receipt.state),
            target=State.EXTRACTED,
            reason="",
            review_reasons=[],
            corrected_at=timezone.now(),
            **{name: form[name] for name in COLUMNS},
        )
        if not moved:
            return False
        receipt.items.all().delete()
        LineItem.objects.bulk_create(
            LineItem(
                receipt=receipt,
                position=position,
                description=line["description"],
                quantity=line["quantity"],
                price=line["price"],
            )
            for position, line in enumerate(lines)
        )
    return True
