"""Budgets, and the alerts that they raise once."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from django.db import connections
from support import png, read_receipt, receipt

from analytics import budgets, tasks
from analytics.models import Budget, BudgetAlert
from analytics.months import after, today
from extraction import Extraction
from extraction.page import Page
from receipts import reading, readings
from receipts.models import Receipt
from receipts.states import State

URL, ALERTS = "/api/v1/analytics/budgets/", "/api/v1/analytics/alerts/"
GROCERIES = {"category": "groceries", "currency": "eur", "monthly_amount": "100.00"}
# Alerts are made after the commit.
pytestmark = pytest.mark.django_db(transaction=True)


def spend(user, total: str, **fields: object) -> Receipt:
    return read_receipt(user, **{"total": total, "category": "groceries", "purchased_on": today(), **fields})


@pytest.fixture
def budget(api) -> dict:
    answer = api.post(URL, GROCERIES, format="json")
    assert answer.status_code == 201
    return answer.json()


def levels(api) -> list[tuple[int, str]]:
    return [(alert["level"], alert["spent"]) for alert in api.get(ALERTS).json()["results"]]


def test_a_budget_shows_what_is_spent_of_it_this_month(api, user, budget) -> None:
    assert (budget["currency"], budget["spent"]) == ("EUR", "0.00")
    spend(user, "10.00")
    receipt(user, state=State.NEEDS_REVIEW, total="2.50", currency="EUR", category="groceries", purchased_on=today())
    for others in ({"currency": "USD"}, {"category": "fuel"}, {"purchased_on": after(today(), -1)},
                   {"purchased_on": after(today(), 1)}, {"purchased_on": None}):  # fmt: skip
        spend(user, "1000.00", **others)
    (listed,) = api.get(URL).json()["results"]
    assert listed["spent"] == "12.50"
    assert api.get(f"{URL}{budget['id']}/").json() == listed


def test_a_budget_is_changed_and_deleted(api, user, budget) -> None:
    spend(user, "10.00")
    answer = api.patch(f"{URL}{budget['id']}/", {"monthly_amount": "50.00"}, format="json")
    assert (answer.status_code, answer.json()["monthly_amount"], answer.json()["spent"]) == (200, "50.00", "10.00")
    assert api.put(f"{URL}{budget['id']}/", {**GROCERIES, "category": "fuel"}, format="json").json()["spent"] == "0.00"
    assert api.delete(f"{URL}{budget['id']}/").status_code == 204
    assert api.get(URL).json()["results"] == []


@pytest.mark.parametrize(
    "wrong",
    [{"monthly_amount": "0"}, {"monthly_amount": "-1"}, {"monthly_amount": "NaN"}, {"monthly_amount": "1e12"},
     {"currency": "EURO"}, {"currency": "12€"}, {"category": ""}, {"category": "x" * 51}, {"category": "a\x00b"}],
)  # fmt: skip
def test_nonsense_is_no_budget(api, wrong: dict) -> None:
    assert api.post(URL, GROCERIES | wrong, format="json").status_code == 400


def test_there_is_one_budget_for_a_category_and_currency(api, budget) -> None:
    again = api.post(URL, GROCERIES, format="json")
    assert (again.status_code, list(again.json())) == (400, ["category"])
    other = api.post(URL, GROCERIES | {"currency": "USD"}, format="json").json()
    assert api.patch(f"{URL}{other['id']}/", {"currency": "EUR"}, format="json").status_code == 400
    assert api.get(f"{URL}{other['id']}/").json()["currency"] == "USD"


def test_there_are_only_so_many_budgets(api, user, monkeypatch) -> None:
    monkeypatch.setattr("analytics.budget_views.MOST", 1)
    assert api.post(URL, GROCERIES, format="json").status_code == 201
    assert api.post(URL, GROCERIES | {"category": "fuel"}, format="json").status_code == 400


def test_an_alert_at_80_and_at_100_percent_once_each(api, user, budget) -> None:
    spend(user, "79.99")
    assert levels(api) == []
    spend(user, "0.01")
    assert levels(api) == [(80, "80.00")]
    spend(user, "10.00")
    assert levels(api) == [(80, "80.00")]
    spend(user, "10.00")
    spend(user, "50.00")
    assert levels(api) == [(100, "100.00"), (80, "80.00")]


def test_what_goes_past_both_at_once_is_told_once(api, user, budget) -> None:
    spend(user, "120.00")
    tasks.sweep_budgets()
    assert levels(api) == [(100, "120.00")]


def test_reading_a_receipt_raises_the_alert(api, user, budget, bucket, monkeypatch) -> None:
    found = Extraction(engine="local", total=Decimal(90), category="groceries", currency="EUR", purchased_on=today())
    monkeypatch.setattr(readings, "recognize", lambda _photo: Page(words=(), width=60, height=80))
    monkeypatch.setattr(reading, "read_page", lambda _page: found)
    reading.process(receipt(user, body=png()).id)
    assert levels(api) == [(80, "90.00")]


def test_correcting_a_receipt_raises_the_alert(api, user, budget) -> None:
    made = spend(user, "10.00")
    assert api.patch(f"/api/v1/receipts/{made.id}/", {"total": "100.00"}, format="json").status_code == 200
    assert levels(api) == [(100, "100.00")]


def test_lowering_a_budget_raises_the_alert(api, user, budget) -> None:
    spend(user, "10.00")
    api.patch(f"{URL}{budget['id']}/", {"monthly_amount": "11.00"}, format="json")
    assert levels(api) == [(80, "10.00")]


def test_the_sweep_makes_what_the_write_did_not(api, user, budget, monkeypatch) -> None:
    monkeypatch.setattr(budgets, "BATCH", 1)
    for category in ("fuel", "books"):
        Budget.objects.create(user=user, category=category, currency="EUR", monthly_amount="10.00")
        spend(user, "10.00", category=category)
    spend(user, "90.00")
    BudgetAlert.objects.all().delete()
    assert tasks.sweep_budgets() == 3
    assert tasks.sweep_budgets() == 0
    assert sorted(level for level, _ in levels(api)) == [80, 100, 100]


def test_alerts_made_at_the_same_moment_are_one(user, budget) -> None:
    spend(user, "90.00")
    BudgetAlert.objects.all().delete()
    barrier = threading.Barrier(4)

    def alert() -> None:
        barrier.wait()
        budgets.alert([user.pk])
        connections.close_all()

    threads = [threading.Thread(target=alert) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert BudgetAlert.objects.count() == 1


def test_a_dismissed_alert_is_gone_and_does_not_come_back(api, user, budget) -> None:
    spend(user, "90.00")
    (alert,) = api.get(ALERTS).json()["results"]
    assert (alert["category"], alert["currency"], alert["monthly_amount"]) == ("groceries", "EUR", "100.00")
    for _ in range(2):
        assert api.post(f"{ALERTS}{alert['id']}/dismiss/").status_code == 200
    spend(user, "1.00")
    tasks.sweep_budgets()
    assert levels(api) == []
    assert api.get(f"{ALERTS}{alert['id']}/").json()["dismissed_at"] is not None


def test_anothers_budgets_and_alerts_do_not_exist(api_of, make_user, api, user, budget) -> None:
    spend(user, "90.00")
    (alert,) = api.get(ALERTS).json()["results"]
    stranger = api_of(make_user("stranger@example.com"))
    assert stranger.get(URL).json()["results"] == stranger.get(ALERTS).json()["results"] == []
    for method in ("get", "patch", "put", "delete"):
        assert getattr(stranger, method)(f"{URL}{budget['id']}/", GROCERIES, format="json").status_code == 404
    assert stranger.get(f"{ALERTS}{alert['id']}/").status_code == 404
    assert stranger.post(f"{ALERTS}{alert['id']}/dismiss/").status_code == 404
    assert stranger.post(URL, GROCERIES, format="json").json()["spent"] == "0.00"


def test_lists_take_the_same_number_of_queries_however_long(api, user, django_assert_num_queries) -> None:
    for number in range(20):
        Budget.objects.create(user=user, category=str(number), currency="EUR", monthly_amount="1.00")
        spend(user, "1.00", category=str(number))
    for url in (URL, ALERTS):
        with django_assert_num_queries(2):  # the user, and the rows
            assert len(api.get(url).json()["results"]) == 20
