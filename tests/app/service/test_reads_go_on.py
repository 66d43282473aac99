"""While the writer is away, what only reads is answered by the replica; what writes is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connections
from support import read_receipt

from receipts.models import Receipt
from spendsmart.reads_go_on import writer

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


def test_without_both_it_is_an_outage(api, receipt_of_user: str, lost_writer, monkeypatch) -> None:
    connections["reader"].close()
    monkeypatch.setitem(connections["reader"].settings_dict, "PORT", 1)
    answer = api.get(f"/api/v1/receipts/{receipt_of_user}/")
    connections["reader"].close()
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
