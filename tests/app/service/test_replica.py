"""Reads that may be a moment old come from the replica, unless it fails or the user just wrote."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import OperationalError, connections
from support import png, read_receipt, receipt

from extraction import Extraction
from receipts import reading
from receipts.models import Receipt
from spendsmart.database import from_replica

pytestmark = pytest.mark.django_db(databases=["default", "reader"], transaction=True)
URL = "/api/v1/analytics/month/"


@pytest.fixture
def lost_replica(monkeypatch):
    """The reader's address is one where nobody listens."""
    connections["reader"].close()
    monkeypatch.setitem(connections["reader"].settings_dict, "PORT", 1)
    yield
    connections["reader"].close()


def test_reads_come_from_the_replica_unless_the_user_just_wrote(api, user, bucket) -> None:
    assert api.get(URL).headers["X-Read-From"] == "reader"
    api.post("/api/v1/receipts/", {"content_type": "image/png", "size": 10}, format="json")
    assert api.get(URL).headers["X-Read-From"] == "default"


def test_a_user_whose_receipt_a_worker_just_read_reads_from_the_writer(api, user, bucket, monkeypatch) -> None:
    class Engine:
        name = "scripted"

        def extract(self, _image: bytes) -> Extraction:
            return Extraction(engine="scripted", total=Decimal(1))

    monkeypatch.setattr(reading, "engine", Engine)
    made = receipt(user, body=png())
    assert api.get(URL).headers["X-Read-From"] == "reader"
    reading.process(made.id)
    assert api.get(URL).headers["X-Read-From"] == "default"


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

    for _ in range(3):
        assert from_replica(user.pk, read) == (0, "default")
    assert asked == ["reader", "default", "default", "default"]


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
