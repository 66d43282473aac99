"""Something went wrong: the page says so in plain words, and needs nothing that may be down."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory
from django.urls import reverse

from pages import errors
from receipts import storage


@pytest.fixture
def member(user) -> Client:
    made = Client(raise_request_exception=False)
    made.force_login(user)
    return made


@pytest.mark.parametrize("status", errors.FAULTS)
def test_every_error_has_a_page_of_its_own(status: int) -> None:
    request = RequestFactory().get("/")
    page = errors.error(request, status)
    assert page.status_code == status
    assert errors.FAULTS[status].title in page.content.decode()


def test_a_script_is_told_the_same_as_json(member) -> None:
    answer = member.get("/nowhere/", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["detail"].split(".")[0]) == (404, errors.FAULTS[404].title)


def test_nonsense_is_a_bad_request_and_no_failure(member) -> None:
    assert member.get("/inbox/progress/", {"id": "nonsense"}).status_code == 400
    assert member.get("/inbox/", {"since": "nonsense"}).status_code == 400
    assert member.get("/inbox/", {"cursor": "nonsense"}).status_code == 404
    assert member.get("/inbox/", {"show": "nonsense"}).status_code == 404
    assert member.post("/upload/announce/", "{", content_type="application/json").status_code == 400


@pytest.mark.parametrize("error", [storage.StorageUnavailableError("away"), OperationalError("away")])
def test_an_outage_is_told_as_one(member, monkeypatch, error: Exception) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(storage, "upload_form", fail)
    answer = member.post(
        reverse("pages:announce"), {"content_type": "image/png", "size": 10}, content_type="application/json"
    )
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert errors.FAULTS[503].title in answer.content.decode()


def test_a_fault_of_ours_is_told_as_one(member, monkeypatch) -> None:
    monkeypatch.setattr(storage, "upload_form", lambda **_: 1 / 0)
    answer = member.post(
        reverse("pages:announce"), {"content_type": "image/png", "size": 10}, content_type="application/json"
    )
    assert answer.status_code == 500
    assert errors.FAULTS[500].title in answer.content.decode()
