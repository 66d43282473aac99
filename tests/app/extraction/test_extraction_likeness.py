"""One receipt photographed twice is recognized, and two receipts of one shop never are."""

from __future__ import annotations

import itertools
import random

import pytest
from PIL import Image, ImageEnhance
from receipt_images import CAFE_MY, DINER_US, GROCERIES_DE, draw, encode, photograph

from extraction.images import open_photo
from extraction.likeness import days, distance, fingerprint, printed, same_receipt

RECEIPTS = {"café": CAFE_MY, "diner": DINER_US, "groceries": GROCERIES_DE}


def text_of(rows) -> str:
    return "\n".join(f"{left} {right}".strip() for left, right in rows)


def purchases(count: int) -> list[str]:
    """So many receipts of one café, which differ in nothing but what was bought, when, and the receipt's number."""
    chance = random.Random(3)  # noqa: S311 - repeatable
    found = []
    for number in range(count):
        price = chance.randint(100, 2500)
        found.append(
            f"BANYAN CAFE SDN BHD\nNo. 12, Jalan Puteri 7/10\nGST ID: 000306700288\nTAX INVOICE\n"
            f"Receipt no. {40211 + number}\n03/04/2018 {9 + number % 9:02}:{chance.randint(0, 59):02}\n"
            f"Iced Tea {price / 100:.2f}\nTOTAL RM {price / 100:.2f}\nCASH RM 50.00\nCHANGE RM {50 - price / 100:.2f}"
        )
    return found


@pytest.mark.parametrize("name", RECEIPTS)
def test_recompressed_or_dimmed_pictures_are_alike(name: str) -> None:
    picture = photograph(draw(RECEIPTS[name]))
    original = fingerprint(picture)
    small = picture.resize((picture.width // 2, picture.height // 2))
    for other in (open_photo(encode(small, quality=40)), ImageEnhance.Brightness(picture).enhance(0.8)):
        assert distance(original, fingerprint(other)) <= 24


def test_pictures_of_different_receipts_are_not() -> None:
    found = [fingerprint(photograph(draw(rows))) for rows in RECEIPTS.values()]
    assert all(distance(one, other) > 64 for one, other in itertools.combinations(found, 2))


def test_a_fingerprint_is_sixty_four_digits_of_any_picture() -> None:
    for picture in (Image.new("RGB", (1, 1)), Image.new("RGB", (4000, 50), "white"), Image.new("L", (64, 64), 7)):
        assert len(fingerprint(picture)) == 64
        int(fingerprint(picture), 16)


@pytest.mark.parametrize("name", RECEIPTS)
def test_one_text_with_a_line_lost_or_a_word_misread_is_the_same(name: str) -> None:
    rows = RECEIPTS[name]
    whole = printed(text_of(rows))
    assert same_receipt(whole, printed(text_of(rows)))
    assert same_receipt(whole, printed(text_of(rows).replace("an", "on")))
    assert same_receipt(whole, printed(text_of(row for row in rows if "Beef" not in row[0] and "Pie" not in row[0])))


def test_no_two_purchases_in_one_shop_are_the_same() -> None:
    texts = [printed(text) for text in purchases(40)]
    pairs = list(itertools.combinations(texts, 2))
    assert len(pairs) == 780
    assert not [pair for pair in pairs if same_receipt(*pair)]


@pytest.mark.parametrize(
    ("printed_as", "other"),
    [("40211", "40212"), ("18:31", "18:32"), ("03/04/2018", "04/04/2018"), ("RM 23.25", "RM 23.26"), ("6.20", "6.30")],
    ids=["number", "time", "day", "total", "price"],
)
def test_one_other_figure_is_another_receipt(printed_as: str, other: str) -> None:
    text = text_of([*CAFE_MY, ("Receipt 40211", ""), ("Kaya toast", "6.20")])
    assert printed_as in text
    assert not same_receipt(printed(text), printed(text.replace(printed_as, other)))


@pytest.mark.parametrize("missing", ["03/04/2018 18:31", "18:31"])
def test_what_does_not_say_when_proves_nothing(missing: str) -> None:
    text = text_of(CAFE_MY)
    assert not same_receipt(printed(text), printed(text.replace(missing, "")))


def test_a_number_that_was_split_is_the_same_number() -> None:
    text = text_of([*CAFE_MY, ("28753535352 3351", "")])
    assert same_receipt(printed(text), printed(text.replace("28753535352 3351", "287535353523351")))


def test_nothing_is_not_the_same_as_nothing() -> None:
    assert not same_receipt(printed(""), printed(""))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Date: 03/04/2018 18:31", {"2018-04-03", "2018-03-04"}),
        ("30.04.20 09:58", {"2020-04-30", "2030-04-20"}),
        ("2020-12-31", {"2020-12-31"}),
        ("99/99/9999 1.2", set()),
    ],
)
def test_days_are_found_in_any_order(text: str, expected: set[str]) -> None:
    assert {day.isoformat() for day in days(text)} == expected
