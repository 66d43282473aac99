"""Reads that may be a moment old come from the replica, unless it fails.

Here the reader is the writer under another name. What lagging does is in `test_replica_lag.py`.
"""

from __future__ import annotations

import pytest
from django.db import OperationalError, connections
from support import read_receipt

from receipts.models import Receipt
from spendsmart import writes
from spendsmart.database import from_replica
from spendsmart.replica import replica

pytestmark = pytest.mark.django_db(databases=["default", "reader"], transaction=True)
URL = "/api/v1/analytics/month/"


@pytest.fixture
def lost_replica(monkeypatch):
    """The reader's address is one where nobody listens."""
    connections["reader"].close()
    monkeypatch.setitem(connections["reader"].settings_dict, "PORT", 1)
    yield
    connections["reader"].close()


def test_figures_come_from_the_replica(api) -> None:
    assert api.get(URL).headers["X-Read-From"] == "reader"


def test_a_request_that_writes_moves_its_users_position(api, user, bucket) -> None:
    before = writes.position_of(user.pk)
    api.post("/api/v1/receipts/", {"content_type": "image/png", "size": 10}, format="json")
    assert writes.position_of(user.pk) > before


def test_without_the_replica_the_writer_answers(api, user, lost_replica) -> None:
    read_receipt(user, total="3.00")
    answer = api.get(URL)
    assert answer.headers["X-Read-From"] == "default"
    assert answer.json()["totals"][0]["total"] == "3.00"


def test_a_lost_replica_is_left_alone_for_a_while(user, lost_replica, monkeypatch) -> None:
    asked: list[str] = []

    def read() -> int:
        count = Receipt.objects.all()
        asked.append(count.db)
        return count.count()

    attempts: list[None] = []
    monkeypatch.setattr(replica, "_probe", lambda probe=replica._probe: (attempts.append(None), probe()))
    for _ in range(3):
        assert from_replica(user.pk, read) == (0, "default")
    assert asked == ["default"] * 3
    assert len(attempts) == 1


def test_a_query_that_the_replica_cancels_runs_on_the_writer(user) -> None:
    read_receipt(user)

    def read() -> int:
        receipts = Receipt.objects.all()
        if receipts.db == "reader":
            raise OperationalError("canceling statement due to conflict with recovery")
        return receipts.count()

    assert from_replica(user.pk, read) == (1, "default")


def test_without_the_cache_everybody_reads_from_the_writer(api, stop_server) -> None:
    stop_server("cache")
    assert api.get(URL).headers["X-Read-From"] == "default"


def test_a_promoted_replica_is_no_replica(api, user, monkeypatch) -> None:
    assert api.get(URL).headers["X-Read-From"] == "reader"
    replica.forget()
    read_receipt(user, total="3.00")
    monkeypatch.setattr("spendsmart.replica._STARTED", "SELECT now()")  # the writer is another server
    assert api.get(URL).headers["X-Read-From"] == "default"
