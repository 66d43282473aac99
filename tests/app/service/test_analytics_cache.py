"""Figures are kept, and are never older than what their user did."""

from __future__ import annotations

import contextlib

import pytest
from replication import PGBOUNCER, until
from support import read_receipt

from analytics import figures as module
from analytics.figures import figures
from receipts.models import Receipt
from receipts.states import State, move
from spendsmart import cache
from spendsmart.database import from_replica

pytestmark = pytest.mark.django_db(databases=["default", "reader"], transaction=True)
URL = "/api/v1/analytics/month/"


def asked(api) -> tuple[str | None, str]:
    """The user's sum, and where it came from."""
    answer = api.get(URL)
    sums = [row["total"] for row in answer.json()["totals"]]
    return (sums[0] if sums else None), source(answer.headers["X-Read-From"])


def source(where: str) -> str:
    """Which database it was depends on the moment, and does not matter here."""
    return "cache" if where == "cache" else "database"


def kept(api) -> None:
    """Leave the figures in the cache."""
    asked(api)
    assert asked(api)[1] == "cache"


def test_what_did_not_change_is_not_computed_again(api, user, django_assert_num_queries) -> None:
    read_receipt(user, total="1.00")
    assert asked(api) == ("1.00", "database")
    with django_assert_num_queries(1):  # the user
        assert asked(api) == ("1.00", "cache")


def test_each_period_and_each_user_has_its_own(api, api_of, make_user, user) -> None:
    read_receipt(user, total="1.00", purchased_on="2026-03-01")
    kept(api)
    assert api.get(URL, {"since": "2026-04-01"}).json()["totals"] == []
    assert api.get(URL, {"until": "2026-04-01"}).json()["totals"][0]["total"] == "1.00"
    assert api.get("/api/v1/analytics/category/").json()["results"][0]["category"] == ""
    assert asked(api_of(make_user("other@example.com"))) == (None, "database")


@pytest.mark.parametrize("write", ["correct", "move", "delete", "read", "save", "budget"])
def test_every_write_is_seen_at_once(api, user, bucket, write: str) -> None:
    made = read_receipt(user, total="1.00")
    kept(api)
    url = f"/api/v1/receipts/{made.id}/"
    expected = {
        "correct": lambda: (api.patch(url, {"total": "2.00"}, format="json"), "2.00")[1],
        "move": lambda: (move(made.id, source=State.EXTRACTED, target=State.EXTRACTED, total="3.00"), "3.00")[1],
        "delete": lambda: (api.delete(url), None)[1],
        "read": lambda: (read_receipt(user, total="4.00"), "5.00")[1],
        "save": lambda: (setattr(made, "total", "6.00"), made.save(), "6.00")[2],
        "budget": lambda: (
            api.post("/api/v1/analytics/budgets/", {"category": "x", "currency": "EUR", "monthly_amount": 1},
                     format="json"),
            "1.00",
        )[1],
    }[write]()  # fmt: skip
    assert asked(api) == (expected, "database")


def test_a_write_that_is_rolled_back_changes_nothing(api, user) -> None:
    from django.db import transaction

    made = read_receipt(user, total="1.00")
    kept(api)
    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        Receipt.objects.filter(id=made.id).update(total="2.00")
        raise ZeroDivisionError
    assert asked(api) == ("1.00", "cache")


def test_of_nested_transactions_the_one_that_is_kept_counts(api, user) -> None:
    from django.db import transaction

    made = read_receipt(user, total="1.00")
    kept(api)
    with transaction.atomic():
        with contextlib.suppress(ZeroDivisionError), transaction.atomic():
            Receipt.objects.filter(id=made.id).update(total="2.00")
            raise ZeroDivisionError
        Receipt.objects.filter(id=made.id).update(total="3.00")
    assert asked(api) == ("3.00", "database")


def test_another_users_write_leaves_mine_alone(api, make_user, user) -> None:
    read_receipt(user, total="1.00")
    kept(api)
    read_receipt(make_user("other@example.com"))
    assert asked(api) == ("1.00", "cache")


def test_figures_that_were_being_read_during_a_write_are_not_used_after_it(user) -> None:
    made = read_receipt(user, total="1.00")

    def compute() -> list[str]:
        return [str(Receipt.objects.get(id=made.id).total)]

    def compute_slowly() -> list[str]:
        found = compute()
        Receipt.objects.filter(id=made.id).update(total="2.00")  # committed between reading and keeping
        return found

    assert of(user, compute_slowly)[0] == b'["1.00"]'
    assert of(user, compute) == (b'["2.00"]', "database")
    assert of(user, compute) == (b'["2.00"]', "cache")


def of(user, compute) -> tuple[bytes, str]:
    body, where = figures(user_id=user.pk, name="test", parameters={}, compute=compute)
    return body, source(where)


def test_without_the_cache_figures_are_right_and_writes_go_on(api, user, stop_server) -> None:
    made = read_receipt(user, total="1.00")
    kept(api)
    stop_server("cache")
    assert asked(api) == ("1.00", "database")
    assert api.patch(f"/api/v1/receipts/{made.id}/", {"total": "2.00"}, format="json").status_code == 200
    assert asked(api) == ("2.00", "database")


def test_figures_do_not_survive_the_loss_of_the_position(api, user) -> None:
    """Eviction, or a write that could not be noted and whose key ran out: there is no version that means nothing."""
    made = read_receipt(user, total="1.00")
    kept(api)
    cache.client().delete(cache.key("written", user.pk))
    assert asked(api)[0] == "1.00"
    with no_notes():
        Receipt.objects.filter(id=made.id).update(total="2.00")
    cache.client().delete(cache.key("written", user.pk))
    assert asked(api) == ("2.00", "database")


def test_a_write_that_could_not_be_noted_is_seen_when_the_figures_run_out(api, user, monkeypatch) -> None:
    monkeypatch.setattr(module, "KEPT_SECONDS", 1)
    made = read_receipt(user, total="1.00")
    kept(api)
    with no_notes():
        Receipt.objects.filter(id=made.id).update(total="2.00")
    until(lambda: asked(api)[0] == "2.00")


@contextlib.contextmanager
def no_notes():
    """The cache is away for the writer alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("spendsmart.writes.mark", lambda _users: None)
        yield


def test_large_figures_are_not_kept(user, monkeypatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    for _ in range(2):
        assert of(user, lambda: ["more than ten bytes"])[1] == "database"


@pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer not installed")
def test_a_lagging_replica_never_fills_the_cache_with_what_was_before_a_write(user, standby) -> None:
    """The interleaving that matters: the write is noted, the replica has not replayed it, and somebody reads."""
    made = read_receipt(user, total="1.00")
    until(lambda: from_replica(user.pk, lambda: None)[1] == "reader")
    standby.pause()
    seen_by_the_replica: list[str] = []

    def compute() -> list[str]:
        found = total(made)
        seen_by_the_replica.extend(found)
        # While this answer is under way the write is committed and noted.
        if len(seen_by_the_replica) == 1:
            move(made.id, source=State.EXTRACTED, target=State.EXTRACTED, total="2.00")
        return found

    assert figures(user_id=user.pk, name="test", parameters={}, compute=compute) == (b'["1.00"]', "reader")
    for _ in range(3):
        assert of(user, lambda: total(made))[0] == b'["2.00"]'
    standby.resume()
    move(made.id, source=State.EXTRACTED, target=State.EXTRACTED, total="3.00")
    until(lambda: of(user, lambda: total(made)) == (b'["3.00"]', "cache"))


def total(made: Receipt) -> list[str]:
    return [str(Receipt.objects.get(id=made.id).total)]
