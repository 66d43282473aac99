"""A real standby that streams from the writer, both behind PgBouncer: who has written reads what they wrote."""

from __future__ import annotations

import json
import threading

import pytest
from replication import PGBOUNCER, until
from support import read_receipt

from receipts.models import Receipt
from receipts.states import State, move
from spendsmart import replica as replicas
from spendsmart import writes
from spendsmart.database import from_replica
from spendsmart.replica import replica

pytestmark = [
    pytest.mark.django_db(databases=["default", "reader"], transaction=True),
    pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer not installed"),
]


def total(user) -> tuple[str, str]:
    """The user's only total, and where it was read."""
    found, alias = from_replica(user.pk, lambda: str(Receipt.objects.get(user_id=user.pk).total))
    return found, alias


def comes_from_the_replica(user) -> bool:
    return total(user)[1] == "reader"


def test_reads_stay_on_the_writer_until_the_replica_has_replayed_the_write(user, standby) -> None:
    made = read_receipt(user, total="1.00")
    until(lambda: comes_from_the_replica(user))
    standby.pause()
    move(made.id, source=State.EXTRACTED, target=State.EXTRACTED, total="2.00")
    for _ in range(5):
        assert total(user) == ("2.00", "default")
    standby.resume()
    until(lambda: comes_from_the_replica(user))
    assert total(user) == ("2.00", "reader")


def test_others_go_on_reading_from_the_replica(user, make_user, standby) -> None:
    other = make_user("other@example.com")
    for somebody in (user, other):
        read_receipt(somebody, total="1.00")
    until(lambda: comes_from_the_replica(other))
    standby.pause()
    Receipt.objects.filter(user=user).update(total="2.00")
    assert total(user) == ("2.00", "default")
    assert total(other) == ("1.00", "reader")


@pytest.mark.parametrize("write", ["save", "update", "bulk_create", "bulk_update", "delete", "delete_query"])
def test_no_kind_of_write_is_forgotten(user, standby, write: str) -> None:
    made = read_receipt(user, total="1.00")
    before = writes.position_of(user.pk)
    standby.pause()
    made.total = "2.00"
    {
        "save": made.save,
        "update": lambda: Receipt.objects.filter(id=made.id).update(total="2.00"),
        "bulk_create": lambda: Receipt.objects.bulk_create([Receipt(user=user, content_type="image/png", size=1)]),
        "bulk_update": lambda: Receipt.objects.bulk_update([made], ["total"]),
        "delete": made.delete,
        "delete_query": lambda: Receipt.objects.filter(user=user).delete(),
    }[write]()
    assert writes.position_of(user.pk) > before
    assert from_replica(user.pk, lambda: None)[1] == "default"


def test_a_lost_cache_keeps_everybody_on_the_writer_until_the_replica_has_it_all(user, standby, empty_cache) -> None:
    read_receipt(user, total="1.00")
    until(lambda: comes_from_the_replica(user))
    standby.pause()
    Receipt.objects.filter(user=user).update(total="2.00")
    empty_cache()
    assert total(user) == ("2.00", "default")
    standby.resume()
    until(lambda: comes_from_the_replica(user))


def test_of_two_writes_that_are_noted_in_the_wrong_order_the_later_counts(user) -> None:
    assert writes._raise([user.pk], 200) == [200]
    assert writes._raise([user.pk], 100) == [200]
    assert writes.position_of(user.pk) == 200


def test_a_replica_that_lost_its_stream_is_found_out_and_left_alone(user, standby, monkeypatch) -> None:
    monkeypatch.setattr(replicas, "SAMPLE_SECONDS", 0.0)
    monkeypatch.setattr(replicas, "MAX_LAG_SECONDS", 0.3)
    other_user_id = user.pk
    read_receipt(user, total="1.00")
    until(lambda: comes_from_the_replica(user))
    standby.cut()
    written_by_nobody_we_know = "UPDATE receipts_receipt SET total = 3"
    standby.on_primary(written_by_nobody_we_know)
    until(lambda: from_replica(other_user_id, lambda: None)[1] == "default")
    assert replica.lag_seconds > 0.3
    assert replica.lag_bytes > 0
    assert total(user) == ("3.00", "default")


def test_a_replica_that_dies_is_left_alone_and_asked_again_later(user, standby, monkeypatch) -> None:
    monkeypatch.setattr(replicas, "REST_SECONDS", 0.2)
    read_receipt(user, total="1.00")
    until(lambda: comes_from_the_replica(user))
    standby.standby.stop()
    try:
        assert total(user) == ("1.00", "default")
    finally:
        standby.standby.start()
    until(lambda: comes_from_the_replica(user))


def test_many_threads_never_see_less_than_they_wrote(make_user, standby) -> None:
    """Each writes and reads at once, over and over, whatever the replica is doing meanwhile."""
    from django.db import connections

    wrong: list[str] = []
    aliases: set[str] = set()

    def write_and_read(user) -> None:
        try:
            made = read_receipt(user, total="0.00")
            for number in range(1, 30):
                Receipt.objects.filter(id=made.id).update(total=number)
                for _ in range(3):
                    seen, alias = total(user)
                    aliases.add(alias)
                    if seen != f"{number}.00":
                        wrong.append(f"{seen} instead of {number} from {alias}")
        except Exception as error:  # noqa: BLE001
            wrong.append(repr(error))
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=_through(standby, write_and_read), args=(make_user(f"{number}@example.com"),))
        for number in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert aliases


def _through(standby, act):
    def run(user) -> None:
        with standby.in_use():
            act(user)

    return run


def test_lag_and_reads_by_database_are_published(user, standby, monkeypatch, capsys) -> None:
    read_receipt(user, total="1.00")
    until(lambda: comes_from_the_replica(user))
    standby.pause()
    Receipt.objects.filter(user=user).update(total="2.00")
    monkeypatch.setattr(replicas, "SAMPLE_SECONDS", 0.0)
    until(lambda: total(user)[1] == "default" and replica.lag_seconds)
    capsys.readouterr()
    monkeypatch.setattr(replica, "_publish_at", 0.0)
    total(user)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    lag = next(line for line in lines if "ReplicaLagBytes" in line)
    assert lag["ReplicaLagBytes"] > 0
    assert lag["ReplicaLagSeconds"] > 0
    reads = {line["Database"]: line["Reads"] for line in lines if "Reads" in line}
    assert reads["default"] >= 2
    assert reads["reader"] >= 1
