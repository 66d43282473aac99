"""The settings: password, sessions, budgets, what was remembered, and leaving."""

from __future__ import annotations

import boto3
import pytest
from django.test import Client
from support import png, read_receipt, receipt

from accounts import tokens
from accounts.models import TokenFamily, User
from analytics.models import Budget
from receipts.models import Receipt, RememberedCorrection
from receipts.states import State

PASSWORD, NEW = "correct horse battery", "another horse battery"


@pytest.fixture
def ann(make_user) -> User:
    return make_user("ann@example.com", PASSWORD)


@pytest.fixture
def member(ann) -> Client:
    made = Client()
    made.force_login(ann)
    return made


def test_a_new_password_ends_every_other_session(member, ann) -> None:
    other = Client()
    other.force_login(ann)
    tokens.begin(ann)
    answer = member.post("/settings/password/", {"old_password": PASSWORD, "new_password": NEW})
    assert answer.headers["Location"] == "/settings/"
    ann.refresh_from_db()
    assert ann.check_password(NEW)
    assert member.get("/settings/").status_code == 200
    assert other.get("/settings/").status_code == 302
    assert not tokens.active(ann).exists()


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [("wrong", NEW, "old_password"), (PASSWORD, PASSWORD, "new_password"), (PASSWORD, "short", "new_password")],
)
def test_a_password_that_may_not_be_is_refused(member, ann, old: str, new: str, field: str) -> None:
    answer = member.post("/settings/password/", {"old_password": old, "new_password": new})
    assert answer.status_code == 400
    assert list(answer.context["password"].errors) == [field]
    ann.refresh_from_db()
    assert ann.check_password(PASSWORD)


def test_a_stolen_browser_cannot_guess_the_password(member) -> None:
    tries = [
        member.post("/settings/password/", {"old_password": f"guess {number}", "new_password": NEW}).status_code
        for number in range(9)
    ]
    assert tries[0] == 400 and 429 in tries


def test_one_session_is_ended_or_all(member, ann) -> None:
    tokens.begin(ann, user_agent="Mozilla/5.0 (Windows NT 10.0) Firefox/140.0")
    tokens.begin(ann)
    assert b"Firefox on Windows" in member.get("/settings/").content
    member.post(f"/settings/sessions/{TokenFamily.objects.first().id}/end/")
    assert tokens.active(ann).count() == 1
    member.post("/settings/sessions/end/")
    assert not tokens.active(ann).exists()
    assert member.get("/settings/").status_code == 302


def test_a_budget_is_set_changed_and_removed(member, ann) -> None:
    budget = {"category": "groceries", "monthly_amount": "100", "currency": "eur"}
    member.post("/settings/budgets/", budget)
    member.post("/settings/budgets/", budget | {"monthly_amount": "150.50"})
    made = Budget.objects.get()
    assert (made.currency, str(made.monthly_amount)) == ("EUR", "150.50")
    member.post(f"/settings/budgets/{made.id}/delete/")
    assert not Budget.objects.exists()


@pytest.mark.parametrize(
    "budget", [{"monthly_amount": "0"}, {"monthly_amount": "x"}, {"currency": "EURO"}, {"category": "nonsense"}]
)
def test_a_budget_that_makes_no_sense_is_refused(member, budget: dict[str, str]) -> None:
    good = {"category": "groceries", "monthly_amount": "100", "currency": "EUR"}
    answer = member.post("/settings/budgets/", good | budget)
    assert answer.status_code == 400
    assert set(answer.context["budget"].errors) == set(budget)


def test_what_was_remembered_reaches_back_and_is_forgotten(member, ann) -> None:
    memory = RememberedCorrection.objects.create(user=ann, printed="lidldienstl", merchant="Lidl")
    earlier = read_receipt(ann, merchant="LIDL DIENSTL", printed_merchant="LIDL DIENSTL")
    member.post(f"/settings/remembered/{memory.id}/apply/")
    earlier.refresh_from_db()
    assert earlier.merchant == "Lidl"
    member.post(f"/settings/remembered/{memory.id}/forget/")
    assert not RememberedCorrection.objects.exists()


def test_the_account_goes_with_all_that_belongs_to_it_and_nothing_else(member, ann, make_user, bucket) -> None:
    other = make_user("other@example.com")
    kept = receipt(other, state=State.QUEUED, body=png())
    receipt(ann, state=State.QUEUED, body=png())
    read_receipt(ann, duplicate_of=read_receipt(ann), duplicate="confirmed")
    boto3.client("s3").put_object(Bucket=bucket, Key=f"receipts/{ann.id}/thumbnails/x.jpg", Body=b"-")
    Budget.objects.create(user=ann, category="groceries", currency="EUR", monthly_amount=100)
    tokens.begin(ann)
    answer = member.post("/settings/leave/", {"password": PASSWORD, "sure": "on"})
    assert answer.headers["Location"] == "/"
    assert list(User.objects.all()) == [other]
    assert list(Receipt.objects.all()) == [kept]
    keys = [found["Key"] for found in boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix="receipts/")["Contents"]]
    assert kept.key in keys
    assert not [key for key in keys if str(ann.id) in key]


@pytest.mark.parametrize("given", [{"password": PASSWORD}, {"password": "wrong", "sure": "on"}, {}])
def test_nobody_leaves_without_password_and_a_second_yes(member, ann, bucket, given: dict[str, str]) -> None:
    assert member.post("/settings/leave/", given).status_code == 400
    assert User.objects.filter(id=ann.id).exists()


def test_while_the_image_store_is_away_nobody_leaves(member, ann, monkeypatch) -> None:
    from receipts import storage

    monkeypatch.setattr(storage.client(), "get_paginator", lambda _: (_ for _ in ()).throw(_away()))
    assert member.post("/settings/leave/", {"password": PASSWORD, "sure": "on"}).status_code == 503
    assert User.objects.filter(id=ann.id).exists()


def _away() -> Exception:
    from botocore.exceptions import EndpointConnectionError

    return EndpointConnectionError(endpoint_url="-")
