"""What comes again and again is found, what happens to look like it is not."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from support import read_receipt

from analytics.recurring import recurring

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 28)


def pay(user, *days: str, amounts: tuple[str, ...] = (), merchant: str = "Netflix", **fields: str) -> None:
    for index, day in enumerate(days):
        read_receipt(user, purchased_on=day, merchant=merchant, total=amounts[index] if amounts else "12.99", **fields)


def found(user) -> list[tuple]:
    rows = recurring(user_id=user.pk, today=TODAY)["results"]
    return [(row["merchant"], row["interval"], row["next_expected_on"].isoformat(), row["active"]) for row in rows]


def test_monthly_on_the_last_day_of_the_month(user) -> None:
    pay(user, "2026-08-31", "2026-09-30", "2026-10-31")
    assert found(user) == [("Netflix", "monthly", "2026-11-30", True)]


def test_after_a_short_february_the_usual_day_is_expected(user) -> None:
    pay(user, "2026-08-28", "2026-09-28", "2026-11-01", merchant="Late")
    pay(user, "2025-12-31", "2026-01-31", "2026-02-28", merchant="February")
    assert found(user) == [("Late", "monthly", "2026-11-28", True), ("February", "monthly", "2026-03-31", False)]


def test_weekly(user) -> None:
    pay(user, "2026-11-05", "2026-11-12", "2026-11-20", "2026-11-27")
    assert found(user) == [("Netflix", "weekly", "2026-12-04", True)]


def test_yearly(user) -> None:
    pay(user, "2024-02-29", "2025-03-03", "2026-02-25")
    assert found(user) == [("Netflix", "yearly", "2027-02-25", True)]


def test_two_occurrences_are_no_habit(user) -> None:
    pay(user, "2026-09-01", "2026-10-01")
    assert found(user) == []


def test_irregular_visits_are_none(user) -> None:
    pay(user, "2026-08-01", "2026-08-20", "2026-10-11", "2026-10-14", "2026-11-27")
    assert found(user) == []


def test_amounts_may_differ_by_a_tenth_and_no_more(user) -> None:
    days = ("2026-09-01", "2026-10-01", "2026-11-01")
    pay(user, *days, amounts=("10.00", "10.40", "11.00"), merchant="Phone")
    pay(user, *days, amounts=("10.00", "20.00", "30.00"), merchant="Supermarket")
    assert found(user) == [("Phone", "monthly", "2026-12-01", True)]
    (row,) = recurring(user_id=user.pk, today=TODAY)["results"]
    assert (row["amount"], row["last_amount"], row["occurrences"]) == (Decimal("10.40"), Decimal("11.00"), 3)


def test_two_subscriptions_at_one_merchant_are_two(user) -> None:
    pay(user, "2026-09-01", "2026-10-01", "2026-11-01", merchant="Apple", amounts=("0.99",) * 3)
    pay(user, "2026-09-15", "2026-10-15", "2026-11-15", merchant="APPLE ", amounts=("9.99",) * 3)
    assert [(interval, on) for _, interval, on, _ in found(user)] == [
        ("monthly", "2026-12-01"),
        ("monthly", "2026-12-15"),
    ]


def test_currencies_are_kept_apart(user) -> None:
    pay(user, "2026-09-01", "2026-10-01")
    pay(user, "2026-11-01", currency="USD")
    assert found(user) == []


def test_what_has_not_come_for_long_is_not_active(user) -> None:
    pay(user, "2026-05-01", "2026-06-01", "2026-07-01")
    assert found(user) == [("Netflix", "monthly", "2026-08-01", False)]


def test_a_subscription_that_changed_its_day_counts_from_there(user) -> None:
    pay(user, "2026-01-01", "2026-02-01", "2026-08-15", "2026-09-15", "2026-10-15")
    (row,) = recurring(user_id=user.pk, today=TODAY)["results"]
    assert (row["first_on"], row["occurrences"]) == (date(2026, 8, 15), 3)


def test_a_receipt_photographed_twice_is_one_day(user) -> None:
    pay(user, "2026-10-01", "2026-10-01", "2026-11-01")
    assert found(user) == []


def test_thousands_of_visits_take_one_query(user, django_assert_num_queries) -> None:
    for day in range(60):
        read_receipt(user, purchased_on=TODAY - timedelta(days=day), merchant=f"Shop {day % 7}", total=f"{day + 1}.00")
    with django_assert_num_queries(1):
        recurring(user_id=user.pk, today=TODAY)
