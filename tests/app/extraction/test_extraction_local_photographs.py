"""What phones make of receipts: sideways, small on a table, rolled out long, curled."""

from __future__ import annotations

from decimal import Decimal

import pytest
from PIL import Image
from receipt_images import CAFE_MY, DINER_US, GROCERIES_DE, draw

from extraction.local import read_page, recognize
from extraction.page import Page, Word
from extraction.rows import group_rows


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_a_receipt_lying_any_way_is_read_and_its_boxes_are_where_it_lies(turned: int) -> None:
    picture = draw(CAFE_MY)
    upright, read = read_page(recognize(picture)), read_page(recognize(picture.rotate(turned, expand=True)))
    assert (read.merchant, read.total, read.purchased_on) == (upright.merchant, upright.total, upright.purchased_on)
    left, top, right, bottom = upright.boxes["total"]
    expected = {90: (top, 1 - right, bottom, 1 - left), 180: (1 - right, 1 - bottom, 1 - left, 1 - top),
                270: (1 - bottom, left, 1 - top, right)}[turned]  # fmt: skip
    assert read.boxes["total"] == pytest.approx(expected, abs=0.03)


def test_a_small_receipt_on_a_large_table_is_read() -> None:
    table = Image.new("RGB", (3000, 4000), (70, 60, 50))
    receipt = draw(DINER_US, size=26, tilt=-7)
    table.paste(receipt, (1400, 2200))
    read = read_page(recognize(table))
    assert (read.merchant, read.total) == ("HARBOR STREET DINER", Decimal("31.18"))
    left, top, _, bottom = read.boxes["total"]
    assert left > 1400 / 3000
    assert 2200 / 4000 < top < bottom < (2200 + receipt.height) / 4000


def test_the_small_print_of_a_till_roll_stays_legible() -> None:
    goods = [(f"Artikel Nummer {number}", f"{number},49 A") for number in range(1, 70)]
    total = sum(Decimal(f"{number}.49") for number in range(1, 70))
    rows = [*GROCERIES_DE[:4], *goods, ("zu zahlen", f"{total}".replace(".", ",")), ("30.04.20 09:58", "")]
    read = read_page(recognize(draw(rows, size=22, width=600)))
    assert read.total == total
    assert len(read.items) >= 66


def test_rows_of_curled_paper_seen_at_an_angle_stay_together() -> None:
    def bent(x: float, y: float) -> tuple[float, float]:
        return x + 0.05 * y, y + 40 * (x / 1000) ** 2 + 0.00008 * x * y

    words = []
    for number in range(20):
        for text, x in ((f"ITEM NUMBER {chr(65 + number)}", 20.0), (f"RM {number}.50", 860.0)):
            y, width = 40.0 * number, 14.0 * len(text)
            points = ((x, y), (x + width, y), (x + width, y + 24), (x, y + 24))
            words.append(Word(text, tuple(bent(*point) for point in points), 0.98))
    rows = [row.text for row in group_rows(words)]
    assert rows == [f"ITEM NUMBER {chr(65 + number)} RM {number}.50" for number in range(20)]


def test_a_page_without_words_has_no_rows() -> None:
    assert group_rows(Page(words=(), width=10, height=10).words) == []
