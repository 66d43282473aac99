"""What was read always fits into the database, however odd it is."""

from __future__ import annotations

from decimal import Decimal

from support import receipt

from extraction import Extraction, Item
from receipts.models import LineItem, Receipt
from receipts.record import record


def test_a_misread_amount_is_left_out_and_a_person_is_told() -> None:
    found = record(Extraction(engine="e", total=Decimal("12.30"), tax=Decimal("99999999999")))
    assert found.columns["tax"] is None
    assert found.review_reasons == ["The tax that was read is no sensible amount."]


def test_amounts_are_rounded_to_cents() -> None:
    found = record(Extraction(engine="e", total=Decimal("12.345")))
    assert found.columns["total"] == Decimal("12.35")
    assert found.review_reasons == []


def test_anything_can_be_stored(user) -> None:
    odd = "\x00 long " * 1000
    item = Item(description=odd, quantity=Decimal(10) ** 12, price=Decimal("1e30"), unit_price=Decimal("9999999998.99"))
    found = record(
        Extraction(engine=odd, merchant=odd, address=odd, payment=odd, category=odd, text=odd, total=Decimal("-1e10"),
                   items=[item])
    )  # fmt: skip
    made = receipt(user)
    Receipt.objects.filter(id=made.id).update(**found.columns)
    LineItem.objects.bulk_create(LineItem(receipt=made, position=0, **line) for line in found.lines)
    assert LineItem.objects.get().unit_price == Decimal("9999999998.99")
