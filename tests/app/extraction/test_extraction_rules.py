"""The parser's rules on rows of text: arithmetic, dates, items; no pictures, so every case takes microseconds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest

from extraction.dates import purchase_date
from extraction.labels import Kind, kind_of
from extraction.local import read_page
from extraction.money import amounts, currency_of
from extraction.page import Page, Word
from extraction.rows import group_rows
from extraction.schema import Extraction

TODAY = date(2026, 1, 1)


def words(rows: Sequence[str], *, slope: float = 0.0) -> list[Word]:
    """Rows as a recognizer returns them: one box per half row, drifting down by `slope` per pixel."""
    found = []
    for index, text in enumerate(rows):
        left, _, right = text.partition(" | ")
        for part, x in ((left, 20.0), (right, 500.0)):
            if part:
                y, width = 40.0 * index, 12.0 * len(part)
                corners = [(x, y), (x + width, y), (x + width, y + 24), (x, y + 24)]
                found.append(Word(part, tuple((a, b + slope * a) for a, b in corners), 0.98))
    return found


def read(rows: Sequence[str], **options: float) -> Extraction:
    return read_page(Page(words=tuple(words(rows, **options)), width=1000, height=2000))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TOTAL 1,234.56", ["1234.56"]),
        ("SUMME EUR 1.234,56", ["1234.56"]),
        ("Rückgeld -0,42", ["-0.42"]),
        ("Discount 5.00-", ["-5.00"]),
        ("TNG Reload RM 30", ["30"]),
        ("RMI11.90", ["111.90"]),
        ("A 7,00% 17,33 1,21", ["17.33", "1.21"]),
        ("23.09.16 14:05", []),
        ("0,162 kg x 1,15 EUR/kg", []),
        ("35.10 litre Pump", []),
        ("3, 49", ["3.49"]),
        ("Ref 123456789.12", []),
    ],
)
def test_amounts(text: str, expected: list[str]) -> None:
    assert amounts(text) == [Decimal(value) for value in expected]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Tatal Sales (Inclusive of GST)", Kind.TOTAL),
        ("TOTL : RM 73.00", Kind.TOTAL),
        ("Total (Excluding GST)", Kind.SUBTOTAL),
        ("Total Rounded", Kind.ROUNDED),
        ("Total Qty: 2", Kind.OTHER),
        ("Rückge1d", Kind.CHANGE),
        ("Change Due", Kind.CHANGE),
        ("GST @6%:", Kind.TAX),
        ("GST SUMMARY", Kind.TAX_TABLE),
        ("MWST% MWST + Netto Brutto", Kind.TAX_TABLE),
        ("Suggested tip 18%", Kind.OTHER),
        ("zu zahlen", Kind.TOTAL),
        ("FRESH BREAD", None),
    ],
)
def test_kinds(text: str, kind: Kind | None) -> None:
    assert kind_of(text) is kind


@pytest.mark.parametrize(
    ("text", "month_first", "expected"),
    [
        ("Date: 03/04/2025", True, date(2025, 3, 4)),
        ("Date: 03/04/2025", False, date(2025, 4, 3)),
        ("25/12/2024 10:00", True, date(2024, 12, 25)),
        ("12/25/24 10:00", False, date(2024, 12, 25)),
        ("Datum: 07.04.2014:38", False, date(2020, 4, 7)),
        ("10-03-201823:03:06", False, date(2018, 3, 10)),
        ("Date:2016/05/0114:11:20", False, date(2016, 5, 1)),
        ("28 Mar 18 18:32", False, date(2018, 3, 28)),
        ("Oct 3, 2016", False, date(2016, 10, 3)),
        ("3. März 2021", False, date(2021, 3, 3)),
        ("5 Ogos 2019", False, date(2019, 8, 5)),
    ],
)
def test_dates(text: str, month_first: bool, expected: date) -> None:
    found = purchase_date([text], month_first=month_first, today=TODAY)
    assert found is not None and found.day == expected


def test_an_expiry_date_or_a_future_one_is_not_the_purchase() -> None:
    rows = ["Points valid until 31/12/2025", "Date: 03/04/2025 10:11", "Next visit 01/02/2031"]
    found = purchase_date(rows, month_first=False, today=TODAY)
    assert found is not None and found.day == date(2025, 4, 3)
    assert purchase_date(["01/02/2031"], month_first=False, today=TODAY) is None


@pytest.mark.parametrize(
    ("rows", "total"),
    [
        # A label nobody can read: cash less change decides.
        (["MART", "Bread | 4.00", "Milk | 3.50", "T0#A! | 7.50", "CASH | 10.00", "CHANGE | 2.50"], "7.50"),
        # Two totals: the one that subtotal and tax add up to.
        (["DINER", "Subtotal | 20.00", "Sales Tax | 1.60", "Total | 21.60", "Total savings | 99.00"], "21.60"),
        # A table of tax rates below never wins.
        (["SHOP GmbH", "SUMME | 11,90", "Typ Netto MwSt Brutto", "19 % 10,00 1,90 | 11,90", "Summe | 1,90"], "11.90"),
        # Rounded to five sen, in either direction.
        (["CAFE", "Total | 41.52", "Rounding Adj | -0.02", "TOTAL | 41.50"], "41.50"),
        (["CAFE", "Total Incl GST | 28.03", "Rounding Adjustment | 0.02", "Net Total | 28.05"], "28.05"),
        # Discount after a first total.
        (["TOOLS", "Total | 277.90", "Item Discount | 0.00", "Discount: | 0.90", "Total | 277.00"], "277.00"),
        # Tip suggestions are not the total.
        (["CAFE", "Total | 20.00", "Suggested tip 18% | 23.60", "Suggested tip 25% | 25.00"], "20.00"),
        # The amount stands on the next row.
        (["PETROL", "TOTAL AMOUNT PAYABLE", "RM 41.95", "CASH | RM 50.00", "CHANGE | RM 8.05"], "41.95"),
    ],
)
def test_totals(rows: list[str], total: str) -> None:
    assert read(rows).total == Decimal(total)


def test_tax_is_added_up_over_the_rates_of_its_table() -> None:
    table = ["MWST% MWST + Netto Brutto", "A 7 % 0,36 5,10 | 5,46", "B 19 % 0,19 1,00 | 1,19", "Summe 0,55 6,10 | 6,65"]
    extraction = read(["Lidl", "zu zahlen | 6,65", *table])
    assert (extraction.total, extraction.tax) == (Decimal("6.65"), Decimal("0.55"))
    assert "The total is uncertain." not in extraction.needs_review  # the table confirms it


def test_a_lone_unconfirmed_total_wants_a_look_and_a_confirmed_one_does_not() -> None:
    head = ["GREEN GROCER LTD", "Davis, CA 95616", "Date: 03/04/2025 10:11"]
    assert "The total is uncertain." in read([*head, "Total | 20.00"]).needs_review
    assert read([*head, "Total | 7.50", "CASH | 10.00", "CHANGE | 2.50"]).needs_review == []


def test_what_is_missing_is_named_and_left_empty() -> None:
    extraction = read(["hello", "1234"])
    assert (extraction.total, extraction.purchased_on) == (None, None)
    assert {"The date was not found.", "The total was not found."} <= set(extraction.needs_review)
    assert read([]).needs_review == ["No text was found on the picture."]


def test_items_with_quantities_and_names_on_the_row_beside() -> None:
    extraction = read([
        "HARDWARE SDN BHD",
        "SCREW M4 | 1.50", "2 x 4,85 Rope | 9,70",
        "9556641320027 3 0.90 | 2.70", "NAILS BLACK",
        "TOTAL | 13.90",
    ])  # fmt: skip
    assert [(item.description, item.quantity, item.price) for item in extraction.items] == [
        ("SCREW M4", Decimal(1), Decimal("1.50")),
        ("Rope", Decimal(2), Decimal("9.70")),
        ("NAILS BLACK", Decimal(3), Decimal("2.70")),
    ]
    assert extraction.items[1].unit_price == Decimal("4.85")
    assert extraction.category == "home"


@pytest.mark.parametrize("slope", [-0.12, 0.0, 0.12])
def test_rows_of_tilted_paper_stay_together(slope: float) -> None:
    rows = [f"ITEM {chr(65 + n)} | {n}.50" for n in range(12)]
    assert [row.text for row in group_rows(words(rows, slope=slope))] == [row.replace(" | ", " ") for row in rows]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("TOTAL RM 5.00", "MYR"), ("SUMME EUR 5,00", "EUR"), ("Total £4.00", "GBP"), ("MwSt 19 %", "EUR"),
        ("$7.10 JALAN TAMPOI SDN BHD", "MYR"), ("Oakland, CA 94607 TOTAL 5.00", "USD"), ("TOTAL 5.00", None),
    ],
)  # fmt: skip
def test_currency(text: str, code: str | None) -> None:
    assert currency_of(text) == code


def test_the_company_is_the_merchant_not_the_slogan_or_the_address() -> None:
    rows = ["WELCOME TO", "12 Main Street", "ORCHARD BOOKS LLC", "Tel 555-0142", "Total | 5.00"]
    extraction = read(rows)
    assert extraction.merchant == "ORCHARD BOOKS LLC"
    assert read(["LiDL", "Warburger Straße 130", "zu zahlen | 6,65"]).merchant == "Lidl"
