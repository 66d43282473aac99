"""The spending page: sums, charts that reach them, budgets and what comes again."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from support import read_receipt

from analytics.models import Budget, BudgetAlert
from analytics.months import month_of, today
from pages import charts

# Committed for real: the reader is another connection, which sees no open transaction.
pytestmark = pytest.mark.django_db(databases=["default", "reader"], transaction=True)


@pytest.fixture
def member(user) -> Client:
    made = Client()
    made.force_login(user)
    return made


def test_currencies_are_kept_apart_the_most_used_first(member, user) -> None:
    day = today()
    read_receipt(user, purchased_on=day, total="10.00", tax="1.00")
    read_receipt(user, purchased_on=day, total="5.50")
    read_receipt(user, purchased_on=day, total="7.00", currency="USD")
    found = member.get("/spending/").context["currencies"]
    assert [(each.code, each.total, each.tax, each.receipts) for each in found] == [
        ("EUR", Decimal("15.50"), Decimal("1.00"), 2), ("USD", Decimal("7.00"), None, 1)
    ]  # fmt: skip


def test_columns_have_a_part_for_each_category_and_no_gaps(member, user) -> None:
    read_receipt(user, purchased_on="2026-01-05", total="10.00", category="groceries")
    read_receipt(user, purchased_on="2026-03-05", total="4.00", category="groceries")
    read_receipt(user, purchased_on="2026-03-06", total="6.00", category="my own")
    months = member.get("/spending/", {"since": "2026-01-01"}).context["currencies"][0].months.columns
    assert [(column.month.month, column.total) for column in months] == [(1, 10), (2, 0), (3, 10)]
    assert [(part.category, part.colour) for part in months[2].parts] == [("groceries", 1), ("my own", 9)]


def test_a_period_and_everything(member, user) -> None:
    read_receipt(user, purchased_on="2020-01-05", total="10.00")
    read_receipt(user, purchased_on=None, total="2.00")
    assert member.get("/spending/").context["currencies"] == []
    everything = member.get("/spending/", {"since": "", "until": ""}).context["currencies"][0]
    assert (everything.total, everything.undated) == (12, 2)
    assert member.get("/spending/", {"since": "2020-01-01", "until": "2020-01-31"}).context["currencies"][0].total == 10
    assert member.get("/spending/", {"since": "2020-02-01", "until": "2020-01-31"}).status_code == 400
    assert member.get("/spending/", {"since": "nonsense"}).status_code == 400


def test_a_receipt_without_category_merchant_or_currency_is_counted(member, user) -> None:
    read_receipt(user, purchased_on=today(), merchant="", category="", currency="")
    page = member.get("/spending/").content.decode()
    assert "Spent in an unknown currency" in page and "Unknown" in page


@pytest.mark.parametrize(("spent", "level"), [("79.99", "ok"), ("80.00", "near"), ("120.00", "over")])
def test_budgets_say_how_much_is_left(member, user, spent: str, level: str) -> None:
    Budget.objects.create(user=user, category="groceries", currency="EUR", monthly_amount=100)
    read_receipt(user, purchased_on=today(), total=spent, category="groceries")
    page = member.get("/spending/")
    assert page.context["budgets"][0].level == level
    assert f"bar-{level}" in page.content.decode()


def test_an_alert_is_told_until_it_is_dismissed(member, user) -> None:
    budget = Budget.objects.create(user=user, category="groceries", currency="EUR", monthly_amount=100)
    for level in (80, 100):
        BudgetAlert.objects.create(
            budget=budget, user=user, month=month_of(today()), level=level, spent=101, monthly_amount=100
        )
    page = member.get("/spending/")
    assert [alert.level for alert in page.context["alerts"]] == [100]
    assert b"Your budget for groceries is used up" in page.content
    for alert in BudgetAlert.objects.all():
        member.post(f"/spending/alerts/{alert.id}/dismiss/")
    assert member.get("/spending/").context["alerts"] == []


def test_what_comes_again_is_listed(member, user) -> None:
    for weeks in range(4):
        read_receipt(user, merchant="Gym", purchased_on=today() - timedelta(weeks=weeks), total="9.00")
    assert [row["merchant"] for row in member.get("/spending/").context["habits"]] == ["Gym"]


@pytest.mark.parametrize("receipts", [1, 40])
def test_the_page_takes_the_same_number_of_queries_however_much_was_spent(
    member, user, receipts: int, django_assert_max_num_queries
) -> None:
    for number in range(receipts):
        read_receipt(user, purchased_on=today(), merchant=f"Shop {number}", category="home")
    with django_assert_max_num_queries(12):
        member.get("/spending/")


@pytest.mark.parametrize(
    ("most", "marks"),
    [
        ("0", [0, 1]),
        ("7.5", [0, 2, 4, 6, 8]),
        ("725", [0, 200, 400, 600, 800]),
        ("1000", [0, 200, 400, 600, 800, 1000]),
    ],
)
def test_the_scale_reaches_over_the_highest_column(most: str, marks: list[int]) -> None:
    chart = charts.columns({date(2026, 1, 1): {"home": Decimal(most)}})
    assert [mark.amount for mark in chart.marks] == marks
    part = chart.columns[0].parts[0]
    assert part.y + part.height == pytest.approx(chart.floor)
    assert part.y >= chart.marks[-1].y


def test_what_was_paid_back_has_no_height() -> None:
    chart = charts.columns({date(2026, 1, 1): {"home": Decimal(-5), "health": Decimal(10)}})
    assert [part.height > 0 for part in chart.columns[0].parts] == [False, True]
    assert chart.columns[0].total == 5
    assert [bar.percent for bar in charts.bars([("a", Decimal(-1), 1), ("b", Decimal(4), 1)])] == [0, 100]


def test_the_charts_categories_are_the_engines() -> None:
    from extraction.categories import _data as known
    from extraction.categories import categorize
    from pages.words import CATEGORIES

    _, words = known()
    assert {name for name, _ in words} | {categorize(None, "")[0]} == set(CATEGORIES)
