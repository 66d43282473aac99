"""While the writer is away, what only reads is answered by the replica; what writes is not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connections
from support import read_receipt

from receipts.models import Receipt
from spendsmart.reads_go_on import writer
from spendsmart.writes import mark, writer_position

pytestmark = pytest.mark.django_db(databases=["default", "reader"], transaction=True)


@pytest.fixture
def lost_writer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The writer's address is one where nobody listens, once the test's own rows are there."""
    connections["default"].close()
    with monkeypatch.context() as lost:
        lost.setitem(connections["default"].settings_dict, "PORT", 1)
        yield
        connections["default"].close()


@pytest.fixture
def receipt_of_user(user) -> str:
    return str(read_receipt(user, total="3.00").id)


@pytest.mark.parametrize("times", [1, 2])
def test_reads_go_on_with_the_replica(api, receipt_of_user: str, lost_writer, times: int) -> None:
    for _ in range(times):
        answer = api.get(f"/api/v1/receipts/{receipt_of_user}/")
    assert (answer.status_code, answer.json()["total"]) == (200, "3.00")
    assert writer.away


def test_figures_go_on_with_the_replica(api, receipt_of_user: str, lost_writer) -> None:
    answer = api.get("/api/v1/analytics/month/")
    assert (answer.status_code, answer.json()["totals"][0]["total"]) == (200, "3.00")


@pytest.mark.parametrize("times", [1, 2])
def test_nothing_is_said_to_be_gone_by_a_replica_that_may_be_behind(api, lost_writer, times: int) -> None:
    for _ in range(times):
        answer = api.get("/api/v1/receipts/00000000-0000-0000-0000-000000000001/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


def test_writes_are_put_off_and_not_tried_elsewhere(api, lost_writer) -> None:
    answer = api.post("/api/v1/receipts/", {"content_type": "image/png", "size": 10}, format="json")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert not Receipt.objects.using("reader").exists()


def test_a_writer_that_is_not_promoted_yet_is_no_fault_of_ours(api, receipt_of_user: str) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        answer = api.post("/api/v1/receipts/", {"content_type": "image/png", "size": 10}, format="json")
    finally:
        connections["default"].close()
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_a_connection_that_broke_before_is_no_other_fault(api, receipt_of_user: str) -> None:
    connections["default"].connection.close()
    try:
        with pytest.raises(OperationalError):
            writer_position()
        mark(["00000000-0000-0000-0000-000000000001"])
    finally:
        connections["default"].close()


def test_without_both_it_is_an_outage(api, receipt_of_user: str, lost_writer, monkeypatch) -> None:
    connections["reader"].close()
    monkeypatch.setitem(connections["reader"].settings_dict, "PORT", 1)
    answer = api.get(f"/api/v1/receipts/{receipt_of_user}/")
    connections["reader"].close()
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_a_request_that_fails_beside_another_one_goes_on_as_well(api, receipt_of_user: str) -> None:
    def hangs_for_both(*_: Any) -> None:
        writer.failed(OperationalError("of another thread's request"))
        raise OperationalError("query timeout")

    with connections["default"].execute_wrapper(hangs_for_both):
        answer = api.get(f"/api/v1/receipts/{receipt_of_user}/")
    assert answer.status_code == 200


def test_only_one_thread_asks_a_writer_that_may_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answered = threading.Event(), threading.Event()

    def ask() -> None:
        asked.set()
        assert answered.wait(10)
        writer.forget()

    writer.failed(OperationalError("away"))
    assert writer.away
    monkeypatch.setattr(writer, "_ask_at", 0.0)
    monkeypatch.setattr(writer, "_ask", ask)
    thread = threading.Thread(target=lambda: writer.away)
    thread.start()
    assert asked.wait(10)
    assert writer.away  # at once: the other one asks
    answered.set()
    thread.join()
    assert not writer.away


def test_a_writer_that_answers_again_is_asked_again(api, receipt_of_user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    writer.failed(OperationalError("away"))
    monkeypatch.setattr(writer, "_ask_at", 0.0)
    assert not writer.away
