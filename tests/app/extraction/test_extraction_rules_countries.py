"""Whole receipts as rows of text, in the manner of three countries; every shop, price and person is invented."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal

import pytest
from test_extraction_rules import read

from extraction.local import read_page
from extraction.merchants import find_merchant
from extraction.page import Page, Word
from extraction.rows import Row
from extraction.schema import Extraction

SUPERMARKET_US = [
    "Walnart", "Spend less. Cook better.", "231 BLUEBELL DR SW", "NEW PHILADELPHIA OH 44663",
    "ST# 02115 OP# 009044 TE# 44 TR# 01301", "DOG TREAT | 007119013654 2.92 X", "SOAP BAR | 3.08 T", "COUPON | 1.00-",
    "2 @ 2.50", "ORANGES | 5.00 N", "SUBTOTAL | 10.00", "STATE TAX | 0.45", "COUNTY TAX | 0.20", "TOTAL | 10.65",
    "SNAP TEND | 4.00", "VISA TEND | 6.65", "CHANGE DUE | 0.00", "EBT BALANCE | 80.12", "# ITEMS SOLD 3",
    "YOU SAVED | 44.00", "07/28/17 | 12:59:46", "Returns until 08/28/2017",
]  # fmt: skip
RESTAURANT_US = [
    "GUEST CHECK", "Blue Plate Tavern", "3218 Mission St", "San Francisco, CA 94110", "Server: Ana | Table 12",
    "Dec21'14 08:59PM", "1 Meatloaf | 19.00", "2 Fried Chicken | 46.00", "Subtotal | 65.00", "SF Health 4% | 2.60",
    "Tax | 5.69", "Amount Due | 73.29", "Tip ________", "Total ________", "18% = 13.19", "20% = 14.66",
    "22%: Tip 16.12 Total 89.41",
]  # fmt: skip
TIP_US = [
    "MAPLE & MAIN", "88 Peachtree Rd NE", "Atlanta, GA 30305", "Mar 3, 2019 9:41 AM", "Latte | $4.50", "Scone | $3.25",
    "Subtotal | $7.75", "Tax | $0.64", "Total | $8.39", "Tip | $1.50", "Total w/ Tip | $9.89", "Visa 4411 | $9.89",
]  # fmt: skip
ONE_ROW_US = [
    "GREENLEAF CO-OP", "FRANKLIN, TN", "BROTH | 12.17", "FLOUR | 11.99", "TAX 2.30 BAL | 26.46", "VISA | 26.46",
    "01/14/19 1:32 PM",
]  # fmt: skip
DEPOSIT_DE = [
    "EDEKA", "Center Müller", "Hauptstraße 12", "79100 Freiburg", "Vollkornbrot | 2,49 B", "Butter 2 x 1,99 | 3,98 B",
    "Leergut | -0,75 A", "Gesamtsumme | 5,72", "EC-Cash | 5,72", "MwSt% Netto MwSt Umsatz", "A 19% -0,63 -0,12 -0,75",
    "B 7% 6,05 0,42 6,47", "23.12.19 12:01 1112 3 12",
]  # fmt: skip
SERVICE_MY = [
    "BANYAN TERRACE SDN BHD (123456-X)", "No 5, Jalan Puteri 7/10,", "47100 Puchong, Selangor.", "Bill# 2212",
    "28 Mar 2018 3:15 PM", "1 LATTE R | 13.50", "1 CHEESECAKE | 12.90", "SubTotal | 26.40", "10% Svc Chg | 2.64",
    "6% SST | 1.74", "Total Amount Due | RM30.78", "Rounding | 0.02", "Grand Total | RM30.80", "MASTER | RM30.80",
]  # fmt: skip
FAINT_MY = [
    "ORCHID MINIMART", "TAMAN DAYA, JOHOR", "Date 18/03:18 15:17", "CANDLES | 7.10", "ROPE | 1.40", "Total RM | 8 50",
    "CASH | 10 00", "Change | 1.50",
]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "merchant", "day", "total", "tax", "currency"),
    [
        (SUPERMARKET_US, "Walmart", date(2017, 7, 28), "10.65", "0.65", "USD"),
        (RESTAURANT_US, "Blue Plate Tavern", date(2014, 12, 21), "73.29", "5.69", "USD"),
        (TIP_US, "MAPLE & MAIN", date(2019, 3, 3), "9.89", "0.64", "USD"),
        (ONE_ROW_US, "GREENLEAF CO-OP", date(2019, 1, 14), "26.46", "2.30", "USD"),
        (DEPOSIT_DE, "Edeka", date(2019, 12, 23), "5.72", "0.30", "EUR"),
        (SERVICE_MY, "BANYAN TERRACE SDN BHD", date(2018, 3, 28), "30.80", "1.74", "MYR"),
        (FAINT_MY, "ORCHID MINIMART", date(2018, 3, 18), "8.50", None, "MYR"),
    ],
)
def test_receipts_of_three_countries(
    rows: list[str], merchant: str, day: date, total: str, tax: str | None, currency: str
) -> None:
    read_ = read(rows)
    assert (read_.merchant, read_.purchased_on, read_.currency) == (merchant, day, currency)
    assert (read_.total, read_.tax) == (Decimal(total), Decimal(tax) if tax else None)


def test_a_bill_paid_in_two_ways_is_confirmed_by_their_sum() -> None:
    assert read(SUPERMARKET_US).payment == "card"
    assert "The total is uncertain." not in read(SUPERMARKET_US).needs_review


def test_a_charge_of_any_name_between_subtotal_and_total_is_added() -> None:
    assert "The total is uncertain." not in read(RESTAURANT_US).needs_review


def test_a_proposed_tip_is_none_and_a_printed_one_is() -> None:
    assert read(RESTAURANT_US).tip is None
    assert read(TIP_US).tip == Decimal("1.50")
    assert read(TIP_US).subtotal == Decimal("7.75")


def test_goods_called_bar_or_card_are_goods() -> None:
    assert [item.description for item in read(SUPERMARKET_US).items] == ["DOG TREAT", "SOAP BAR", "ORANGES"]


def test_a_total_nobody_could_read_is_found_by_two_sums_that_agree() -> None:
    rows = ["CORNER SHOP GmbH", "Brot | 0,29", "Saft | 1,19", "Huhn | 3,99", "SUMME EUR | 5.17",
            "Mehrwertst. ohne MwSt mit MwSt", "E 7,0% 0,36 5,11 | 5,47"]  # fmt: skip
    assert read(rows).total == Decimal("5.47")


def test_a_blurred_date_is_taken_but_wants_a_look() -> None:
    assert "The date is uncertain." in read(FAINT_MY).needs_review


def test_a_date_that_may_be_read_either_way_wants_a_look_where_the_country_is_not_known() -> None:
    rows = ["THE GRIND", "Date 03/04/2019 10:12", "Scone | 3.25", "Total | 3.25"]
    assert "The date is uncertain." in read(rows).needs_review
    assert "The date is uncertain." not in read([*rows, "Davis, CA 95616"]).needs_review
    assert "The date is uncertain." not in read([rows[0], "Date 23/04/2019 10:12", *rows[2:]]).needs_review


def test_a_date_wrapped_over_two_rows_is_one() -> None:
    assert read(["CAFE LUNA", "Opened Jan 22", "'23 07:20PM", "Total | 5.00"]).purchased_on == date(2023, 1, 22)


def test_the_last_day_of_returns_is_not_the_purchase() -> None:
    extraction = read(["PETPALACE", "Total | 5.00", "Returns accepted until", "12/31/2025"])
    assert extraction.purchased_on is None or "The date is uncertain." in extraction.needs_review


def merchant_of(rows: list[str]) -> str | None:
    return read([*rows, "Bread | 4.00", "Total | 4.00"]).merchant


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        (["TRADER", "J0E'S", "2001 Greenville Ave", "Dallas TX 75206"], "Trader Joe's"),
        (["The Home Depot #1208", "10350 N MCCARRAN BLVD"], "The Home Depot"),
        (["Fresh. Fast. Friendly.", "PH0 79", "2500 El Camino Real", "Oakland, CA 94607"], "PHO 79"),
        (["PADERBORN", "DELPHIN", "Detmolder Straße 8", "33102 Paderborn"], "DELPHIN"),
        (["Welcome to Sunrise Fuel", "Austin, TX 78701"], "Sunrise Fuel"),
        (["***", "775-677-2233", "www.homedepot.com/survey"], "Home Depot"),
        (["THE GRIND", "Coffee House", "221 B Street", "Davis, CA 95616"], "THE GRIND"),
        (["Starbucks Street Art Gallery", "12 Main Street"], "Starbucks Street Art Gallery"),
    ],
)
def test_merchants(rows: list[str], name: str) -> None:
    assert merchant_of(rows) == name


def test_no_rows_have_no_merchant() -> None:
    nothing: list[Row] = []
    assert find_merchant(nothing) is None
    assert isinstance(read([]), Extraction)


PIECES = (
    "TOTAL", "SUBTOTAL", "TAX 7%", "MwSt Netto Brutto", "CASH", "CHANGE", "TIP 18% =", "12.50", "-3,20", "1 20",
    "RM 30", "03/04/2019", "18/03:18", "Jan 22", "'23", "2 x", "99", "www.shell.com", "SDN BHD", "0/0/00", "(((", "€",
    "|||", "0.00", "1,234.56", "Rounding", "\u3042", "x" * 60,
)  # fmt: skip


@pytest.mark.parametrize("seed", (*range(40), 72, 245))
def test_whatever_is_recognized_reading_it_never_raises(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable
    words = []
    for _ in range(chance.randint(1, 60)):
        points = [(chance.uniform(0, 900), chance.uniform(0, 900)) for _ in range(4)]
        if chance.random() < 0.7:  # mostly boxes, some of no size at all
            (x, y), width, height = points[0], chance.choice((0, 40, 300)), chance.choice((0, 20, 30))
            points = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        text = " ".join(chance.choices(PIECES, k=chance.randint(1, 4)))
        words.append(Word(text, tuple(points), chance.random()))
    extraction = read_page(Page(words=tuple(words), width=900, height=900))
    for left, top, right, bottom in extraction.boxes.values():
        assert 0 <= left <= right <= 1
        assert 0 <= top <= bottom <= 1
