"""Quotas of accounts, the length of the queue, and what is answered while the database is away."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django.test import Client
from rest_framework.test import APIClient
from support import receipt

from receipts import admission
from receipts.models import Receipt
from receipts.states import State
from spendsmart import quota

URL = "/api/v1/receipts/"
ANNOUNCED = {"content_type": "image/png", "size": 100}


@pytest.fixture(autouse=True)
def _one_long_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test of these is to run into the next one."""
    monkeypatch.setattr(quota, "MINUTE", quota.DAY)


def fill_the_queue(user, many: int) -> None:
    for _ in range(many):
        receipt(user, state=State.QUEUED)
    admission.queue.forget()


def test_an_account_has_its_requests_per_minute(api, settings) -> None:
    settings.USER_REQUESTS_PER_MINUTE = 5
    answers = [api.get("/api/v1/auth/me/") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert 1 <= int(answers[-1]["Retry-After"]) <= quota.MINUTE


def test_another_account_has_its_own(api, api_of, make_user, settings) -> None:
    settings.USER_REQUESTS_PER_MINUTE = 1
    assert [api.get("/api/v1/auth/me/").status_code for _ in range(2)] == [200, 429]
    assert api_of(make_user("bob@example.com")).get("/api/v1/auth/me/").status_code == 200


def test_pages_count_as_well(user, settings) -> None:
    settings.USER_REQUESTS_PER_MINUTE = 2
    browser = Client()
    browser.force_login(user)
    answers = [browser.get("/inbox/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "Retry-After" in answers[-1].headers


def test_all_processes_count_together(user, settings) -> None:
    settings.USER_REQUESTS_PER_MINUTE = 40
    one, other = quota.Requests(), quota.Requests()
    refused = [counter.wait_of(str(user.pk)) is not None for _ in range(40) for counter in (one, other)]
    assert 38 <= refused.count(True) <= 40


def test_without_the_cache_nobody_is_locked_out(api, settings, stop_server) -> None:
    settings.USER_REQUESTS_PER_MINUTE = 1
    settings.USER_RECEIPTS_PER_DAY = 1
    stop_server("cache")
    assert [api.get("/api/v1/auth/me/").status_code for _ in range(3)] == [200] * 3


def test_an_account_has_its_receipts_per_day(api, bucket, settings) -> None:
    settings.USER_RECEIPTS_PER_DAY = 3
    bulk = {"name": "March", "files": [ANNOUNCED] * 3}
    assert api.post(URL, ANNOUNCED, format="json").status_code == 201
    refused = api.post("/api/v1/bulk-uploads/", bulk, format="json")
    assert refused.status_code == 429 and 1 <= int(refused["Retry-After"]) <= quota.DAY
    # What was refused does not count.
    assert [api.post(URL, ANNOUNCED, format="json").status_code for _ in range(3)] == [201, 201, 429]


def test_behind_a_long_queue_nothing_new_is_taken_and_bulk_uploads_give_way_first(api, user, bucket, settings) -> None:
    settings.QUEUED_RECEIPTS = 4
    bulk = {"name": "March", "files": [ANNOUNCED]}
    fill_the_queue(user, 2)
    refused = api.post("/api/v1/bulk-uploads/", bulk, format="json")
    assert (refused.status_code, refused["Retry-After"]) == (503, str(admission.RETRY_BULK_SECONDS))
    assert api.post(URL, ANNOUNCED, format="json").status_code == 201
    fill_the_queue(user, 2)
    refused = api.post(URL, ANNOUNCED, format="json")
    assert (refused.status_code, refused["Retry-After"]) == (503, str(admission.RETRY_SECONDS))
    assert "waiting to be read" in refused.json()["detail"]


def test_what_was_announced_is_taken_however_long_the_queue(api, user, bucket, settings) -> None:
    import boto3

    made = api.post(URL, ANNOUNCED, format="json").json()
    boto3.client("s3").put_object(Bucket=bucket, Key=Receipt.objects.get(id=made["id"]).key, Body=b"-")
    settings.QUEUED_RECEIPTS = 1
    fill_the_queue(user, 1)
    assert api.post(f"{URL}{made['id']}/complete/").status_code == 202


def test_pages_say_it_in_words(user, settings) -> None:
    settings.QUEUED_RECEIPTS = 1
    fill_the_queue(user, 1)
    browser = Client()
    browser.force_login(user)
    answer = browser.post(
        "/upload/announce/", ANNOUNCED, content_type="application/json", headers={"Accept": "application/json"}
    )
    assert answer.status_code == 503
    assert "waiting to be read" in answer.json()["detail"]


@pytest.mark.django_db(transaction=True)
def test_without_the_database_the_api_says_when_to_come_back(api) -> None:
    """A statement that is cut off is how a client of PgBouncer sees a database that is busy or gone."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 1")
    try:
        with connection.cursor() as cursor, pytest.raises(OperationalError):
            cursor.execute("SELECT pg_sleep(1)")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(admission, "admit", _slow)
            answer = api.post(URL, ANNOUNCED, format="json")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def _slow(*_, **__) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")


def test_without_the_database_a_page_says_so_though_nobody_knows_who_asks(user, monkeypatch) -> None:
    """The session is a row as well: the log, which names the user, must not make another fault of it."""
    from django.contrib.sessions.backends.db import SessionStore

    browser = Client(raise_request_exception=False)
    browser.force_login(user)

    def away(_: SessionStore) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(SessionStore, "load", away)
    answer = browser.get("/inbox/")
    assert answer.status_code == 503 and "Retry-After" in answer.headers


def test_the_worker_is_told_how_much_memory_a_process_may_take(monkeypatch) -> None:
    from spendsmart.worker import command

    for name, value in {"LOG_LEVEL": "INFO", "WORKER_CONCURRENCY": "2", "WORKER_MEMORY_MIB": "1000"}.items():
        monkeypatch.setenv(name, value)
    line = command()
    assert line[line.index("--max-memory-per-child") + 1] == "1024000"


def test_nobody_who_is_logged_out_is_counted(db, settings) -> None:
    settings.USER_REQUESTS_PER_MINUTE = 1
    assert {APIClient().get("/api/schema/").status_code for _ in range(3)} == {200}
