from __future__ import annotations

from decimal import Decimal

import pytest
from support import read_receipt, receipt

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
    for by in ("month", "category", "merchant"):
        assert rows(stranger, by) == []
