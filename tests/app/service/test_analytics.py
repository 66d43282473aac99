from __future__ import annotations

from decimal import Decimal

import pytest
from rest_framework.renderers import JSONRenderer
from support import read_receipt, receipt

from analytics.comparison import comparison
from analytics.months import today
from analytics.recurring import recurring
from analytics.serializers import ComparisonSerializer, RecurringSerializer, SpendingSerializer
from analytics.spending import Grouping, spending
from receipts.models import Duplicate
from receipts.states import State

# Committed for real: the reader is another connection, which sees no open transaction.
pytestmark = pytest.mark.django_db(databases=["default", "reader"], transaction=True)


def rows(api, by: str, **period: str) -> list[dict]:
    answer = api.get(f"/api/v1/analytics/{by}/", period)
    assert answer.status_code == 200
    return answer.json()["results"]


def test_months_are_summed_each_currency_for_itself(api, user) -> None:
    read_receipt(user, total="10.00", tax="1.60")
    read_receipt(user, total="5.50")
    read_receipt(user, total="7.00", currency="USD")
    read_receipt(user, total="1.00", purchased_on="2026-04-01")
    assert [(r["month"], r["currency"], r["total"], r["receipts"]) for r in rows(api, "month")] == [
        ("2026-03-01", "EUR", "15.50", 2),
        ("2026-03-01", "USD", "7.00", 1),
        ("2026-04-01", "EUR", "1.00", 1),
    ]


def test_totals_are_the_sums_of_the_rows_never_across_currencies(api, user) -> None:
    for month, currency in enumerate(("EUR", "EUR", "USD", ""), start=1):
        read_receipt(user, total="10.10", tax="1.00" if month < 3 else None, currency=currency,
                     purchased_on=f"2026-0{month}-01")  # fmt: skip
    assert api.get("/api/v1/analytics/month/").json()["totals"] == [
        {"currency": "", "total": "10.10", "tax": None, "receipts": 1},
        {"currency": "EUR", "total": "20.20", "tax": "2.00", "receipts": 2},
        {"currency": "USD", "total": "10.10", "tax": None, "receipts": 1},
    ]


@pytest.mark.parametrize("by", ["category", "merchant"])
def test_groups_add_up_to_what_is_stored(api, user, by: str) -> None:
    for number in range(12):
        read_receipt(user, total=f"{number}.25", **{by: f"group {number % 3}"})
    found = rows(api, by)
    assert [row[by] for row in found] == ["group 0", "group 1", "group 2"]
    assert set(found[0]) == {by, "currency", "total", "tax", "receipts"}
    assert sum(Decimal(row["total"]) for row in found) == sum(Decimal(f"{n}.25") for n in range(12))


def test_only_receipts_that_were_read_count_those_without_a_date_too(api, user) -> None:
    read_receipt(user, total="3.00", purchased_on=None)
    receipt(user, state=State.NEEDS_REVIEW, total="4.00", currency="EUR", purchased_on="2026-03-01")
    for state in (State.FAILED, State.REJECTED, State.EXTRACTING):
        receipt(user, state=state, total="100.00", currency="EUR")
    assert sorted((r["month"] or "", r["total"]) for r in rows(api, "month")) == [("", "3.00"), ("2026-03-01", "4.00")]


def test_a_period_bounds_what_counts_and_must_not_end_before_it_begins(api, user) -> None:
    for day in (1, 15, 31):
        read_receipt(user, total="1.00", purchased_on=f"2026-03-{day:02}")
    assert rows(api, "month", since="2026-03-02", until="2026-03-31")[0]["receipts"] == 2
    assert api.get("/api/v1/analytics/month/", {"since": "2026-04-01", "until": "2026-03-01"}).status_code == 400
    assert api.get("/api/v1/analytics/month/", {"since": "yesterday"}).status_code == 400


def test_nobody_sees_anothers_spending(api_of, make_user, user) -> None:
    read_receipt(user)
    stranger = api_of(make_user("stranger@example.com"))
    for by in (*Grouping, "comparison", "recurring"):
        assert rows(stranger, by) == []


def test_days_are_summed(api, user) -> None:
    for day, total in ((1, "1.00"), (1, "2.00"), (2, "4.00")):
        read_receipt(user, total=total, purchased_on=f"2026-03-{day:02}")
    assert [(r["day"], r["total"]) for r in rows(api, "day")] == [("2026-03-01", "3.00"), ("2026-03-02", "4.00")]


def test_taxes_are_summed_by_month_and_rate(api, user) -> None:
    read_receipt(user, total="11.90", tax="1.90")
    read_receipt(user, total="2.38", tax="0.38")
    read_receipt(user, total="10.70", tax="0.70")
    read_receipt(user, total="12.00", tax="0.90", tip="1.10")
    read_receipt(user, total="3.00", tax=None)
    assert [(r["month"], r["rate"], r["net"], r["tax"], r["total"]) for r in rows(api, "tax")] == [
        ("2026-03-01", "7.0", "10.00", "0.70", "10.70"),
        ("2026-03-01", "9.0", "10.00", "0.90", "12.00"),
        ("2026-03-01", "19.0", "12.00", "2.28", "14.28"),
        ("2026-03-01", None, None, None, "3.00"),
    ]


def test_a_tax_that_is_the_whole_total_has_no_rate(api, user) -> None:
    read_receipt(user, total="5.00", tax="5.00")
    assert [(r["rate"], r["net"]) for r in rows(api, "tax")] == [(None, "0.00")]


def tax_line(rate: str | None, amount: str, net: str | None = None) -> dict[str, str | None]:
    return {"rate": rate, "net": net, "amount": amount}


def taxed(api) -> list[tuple]:
    return [(r["rate"], r["net"], r["tax"], r["total"], r["receipts"]) for r in rows(api, "tax")]


def test_a_table_of_taxes_says_which_rates_there_are(api, user) -> None:
    read_receipt(user, total="22.60", tax="2.60", tax_lines=[tax_line("7", "0.70", "10.00"), tax_line("19", "1.90")])
    read_receipt(user, total="1.07", tax="0.07", tax_lines=[tax_line("7.0", "0.07", "1.00")])
    assert taxed(api) == [("7.0", "11.00", "0.77", "11.77", 2), ("19.0", "10.00", "1.90", "11.90", 1)]
    assert api.get("/api/v1/analytics/tax/").json()["totals"] == [
        {"currency": "EUR", "total": "23.67", "tax": "2.67", "receipts": 2}
    ]


def test_what_stands_in_no_row_of_the_table_bore_no_tax(api, user) -> None:
    read_receipt(user, total="12.70", tax="0.70", tip="1.00", tax_lines=[tax_line("7", "0.70", "10.00")])
    assert taxed(api) == [("7.0", "10.00", "0.70", "10.70", 1), (None, None, None, "2.00", 1)]


@pytest.mark.parametrize(
    "lines",
    [
        [tax_line("7", "0.70", "10.00")],  # the tax was corrected afterwards
        [tax_line(None, "1.90", "10.00")],
        [tax_line("0", "1.90")],
        [tax_line("19", "1.90", "100.00")],
        [tax_line("1E-400000", "1.90", "10.00")],
        [tax_line("NaN", "1.90", "10.00")],
        [tax_line("19", "1.90", "10.00"), tax_line("19", "x", "0.00")],
        [{}],
        [tax_line("7", "0.70", "10.00"), tax_line(None, "1.20")],
    ],
)
def test_a_table_that_does_not_add_up_is_not_believed(api, user, lines: list) -> None:
    read_receipt(user, total="11.90", tax="1.90", tax_lines=lines)
    assert taxed(api) == [("19.0", "10.00", "1.90", "11.90", 1)]


def test_a_table_of_taxes_without_a_tax_is_not_believed(api, user) -> None:
    read_receipt(user, total="11.90", tax=None, tax_lines=[tax_line("19", "1.90", "10.00")])
    assert taxed(api) == [(None, None, None, "11.90", 1)]


def test_a_confirmed_duplicate_is_not_counted_twice(api, user) -> None:
    original = read_receipt(user, total="5.00")
    for known in Duplicate:
        read_receipt(user, total="5.00", duplicate_of=original, duplicate=known)
    assert [(r["total"], r["receipts"]) for r in rows(api, "month")] == [("15.00", 3)]


def test_a_month_is_compared_with_the_one_before(api, user) -> None:
    for on, category, total in (
        ("2026-01-31", "groceries", "1000.00"),
        ("2026-02-01", "groceries", "40.00"),
        ("2026-02-28", "fuel", "60.00"),
        ("2026-03-31", "groceries", "50.00"),
        ("2026-03-01", "books", "7.00"),
        ("2026-04-01", "groceries", "1000.00"),
    ):
        read_receipt(user, purchased_on=on, category=category, total=total)
    read_receipt(user, purchased_on="2026-03-01", category="groceries", currency="USD", total="1.00")
    found = api.get("/api/v1/analytics/comparison/", {"month": "2026-03-15"}).json()
    assert (found["month"], found["previous_month"]) == ("2026-03-01", "2026-02-01")
    assert [
        (r["category"], r["currency"], r["total"], r["previous"], r["change"], r["change_percent"])
        for r in found["results"]
    ] == [
        ("groceries", "EUR", "50.00", "40.00", "10.00", "25.0"),
        ("books", "EUR", "7.00", "0.00", "7.00", None),
        ("fuel", "EUR", "0.00", "60.00", "-60.00", "-100.0"),
        ("groceries", "USD", "1.00", "0.00", "1.00", None),
    ]
    assert [(r["currency"], r["total"], r["previous"], r["change_percent"]) for r in found["totals"]] == [
        ("EUR", "57.00", "100.00", "-43.0"),
        ("USD", "1.00", "0.00", None),
    ]


def test_without_a_month_the_current_one_is_compared(api) -> None:
    found = api.get("/api/v1/analytics/comparison/").json()
    assert found["month"] == today().replace(day=1).isoformat()


@pytest.mark.parametrize("month", ["2026-13-01", "0001-01-01", "9999-12-31", "x"])
def test_a_month_that_is_none_is_refused(api, month: str) -> None:
    assert api.get("/api/v1/analytics/comparison/", {"month": month}).status_code == 400


@pytest.mark.parametrize("name", [*Grouping, "comparison", "recurring"])
def test_the_answer_is_byte_for_byte_what_the_serializers_document(api, user, name: str) -> None:
    for month in range(1, 13):
        for currency in ("EUR", "", "JPY"):
            read_receipt(
                user, merchant="Café “Zoë” <&> \\", category="größer", currency=currency, total=f"{month}.10",
                tax=None if month % 3 else f"0.{month:02}", purchased_on=f"2026-{month:02}-28" if month < 12 else None,
            )  # fmt: skip
    for month in (9, 10, 11):
        read_receipt(user, merchant="Rent", total="1234567890.12", purchased_on=f"2026-{month:02}-01")
    serializer = {"comparison": ComparisonSerializer, "recurring": RecurringSerializer}.get(name, SpendingSerializer)
    compute = {
        "comparison": lambda: comparison(user_id=user.pk, month=today()),
        "recurring": lambda: recurring(user_id=user.pk, today=today()),
    }.get(name) or (lambda: spending(user_id=user.pk, by=Grouping(name)))
    answer = api.get(f"/api/v1/analytics/{name}/")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.content == JSONRenderer().render(serializer(compute()).data)
    assert len(answer.json()["results"]) > 0
