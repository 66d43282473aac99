"""Where values stand: boxes of the local reading, and other readers' answers looked up in the recognized text."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from receipt_images import CAFE_MY, DINER_US, draw, encode

from extraction.grounding import find_amount, find_date, find_text
from extraction.local import read_page, recognize
from extraction.page import Page, Word

ROWS = (
    "HARBOUR STR3ET D1NER", "12 Main Street", "03/04/2025 12:47", "Club sandwich 13.50",
    "Fresh lemonade", "with ice 4.25", "Subtotal 17.75", "Tax 1.7O", "Total 19.45", "Card 1,019.45",
)  # fmt: skip


def page_of(rows: tuple[str, ...]) -> Page:
    """Rows of ten pixels a letter and a pitch of 50, on a picture of 1000 by 1000."""
    words = []
    for index, text in enumerate(rows):
        top, right = 50.0 * index, 10.0 * len(text)
        words.append(Word(text, ((0.0, top), (right, top), (right, top + 30), (0.0, top + 30)), 0.9))
    return Page(words=tuple(words), width=1000, height=1000)


@pytest.fixture
def page() -> Page:
    return page_of(ROWS)


def test_an_amount_has_the_box_of_its_digits(page: Page) -> None:
    assert find_amount(page, Decimal("19.45")) == [(0.06, 0.4, 0.11, 0.43)]
    assert len(find_amount(page, Decimal("-13.5"))) == 1


def test_a_letter_read_for_a_digit_is_the_digit(page: Page) -> None:
    assert len(find_amount(page, Decimal("1.70"))) == 1


def test_an_amount_nobody_printed_is_not_found(page: Page) -> None:
    assert find_amount(page, Decimal("9.45")) == []  # the end of another is not the amount
    assert find_amount(page, Decimal("119.45")) == []
    assert len(find_amount(page, Decimal("1019.45"))) == 1


def test_a_date_is_found_in_either_order(page: Page) -> None:
    assert find_date(page, date(2025, 3, 4)) == find_date(page, date(2025, 4, 3)) == [(0.0, 0.1, 0.1, 0.13)]
    assert find_date(page, date(2025, 3, 5)) == []


def test_a_text_is_found_though_misread_or_wrapped(page: Page) -> None:
    assert find_text(page, "Harbour Street Diner") == (0.0, 0.0, 0.2, 0.03)
    assert find_text(page, "Fresh lemonade with ice") == (0.0, 0.2, 0.14, 0.28)
    assert find_text(page, "Main St.") == (0.03, 0.05, 0.1, 0.08)
    assert find_text(page, "Grilled salmon") is None
    assert find_text(page, " - ") is None


def test_a_page_survives_being_stored(page: Page) -> None:
    assert Page.from_json(json.loads(json.dumps(page.to_json()))) == page
    with pytest.raises((KeyError, ValueError)):
        Page.from_json({"words": []})


@pytest.mark.parametrize("tilt", [0, 3])
def test_fields_of_a_drawn_receipt_have_boxes_where_they_are_drawn(tilt: float) -> None:
    read = read_page(recognize(encode(draw(DINER_US, tilt=tilt))))
    assert {"merchant", "address", "purchased_on", "currency", "subtotal", "tax", "tip", "total", "payment"} <= set(
        read.boxes
    )
    order = [read.boxes[name][1] for name in ("merchant", "address", "purchased_on", "subtotal", "tax", "tip", "total")]
    assert order == sorted(order)
    left, top, right, bottom = read.boxes["total"]
    assert left > 0.6 and right > 0.85
    assert 0.005 < bottom - top < 0.08
    assert all(item.box and item.box[3] < read.boxes["subtotal"][3] for item in read.items)
    assert len(read.items) == 3


def test_the_recognized_page_serves_reading_and_looking_up() -> None:
    page = Page.from_json(recognize(draw(CAFE_MY)).to_json())
    read = read_page(page)
    assert read.total == Decimal("23.25")
    assert read.boxes["total"] in find_amount(page, read.total)
