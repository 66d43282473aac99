"""What OpenAI answers to a batch is kept, billed once at half the price, and checked like any other answer."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from batch_support import DEMO, books_balance, kept, only, picture, states
from django.utils import timezone
from support import receipt

from batches import collection, items, tasks
from batches.models import Batch, BatchState, Item, ItemState
from localcloud.openai_server import Received, Reply, fields
from openai_gateway.models import Call, CallState, Purpose
from receipts import reading
from receipts.models import BulkUpload, Receipt
from receipts.readings import digest_of
from receipts.states import State

pytestmark = pytest.mark.usefixtures("bucket")


def test_a_batch_is_asked_for_and_its_answers_are_kept_at_half_the_price(waiting, remote, user) -> None:
    receipts = waiting(1, 2, 3)
    assert states(receipts) == [State.BATCHED] * 3
    assert [one.attempts for one in Receipt.objects.all()] == [0, 0, 0]
    tasks.run()
    batch = only(remote)
    asked = remote.requests(batch)
    assert {line["custom_id"] for line in asked} == {str(item.id) for item in Item.objects.all()}
    assert {(line["method"], line["url"], line["body"]["store"]) for line in asked} == {
        ("POST", "/v1/responses", False)
    }
    assert Batch.objects.get().state == BatchState.SUBMITTED
    assert set(Call.objects.values_list("purpose", "state", "user")) == {(Purpose.BATCH, CallState.SENT, user.id)}

    tasks.run()
    assert states(receipts) == [State.BATCHED] * 3
    remote.finish(batch, lambda _request: fields(total="17.17"))
    tasks.run()
    assert states(receipts) == [State.QUEUED] * 3
    assert {kept(one).extraction["total"] for one in receipts} == {"17.17"}
    # 1,500 plain, 1,500 cached and 200 out of gpt-6-luna are $0.000265 each.
    assert {call.price for call in Call.objects.all()} == {Decimal("0.0001325")}
    assert books_balance(remote)
    assert remote.files == {}, "OpenAI keeps nothing of ours"
    tasks.run()
    assert Batch.objects.get().state == BatchState.COLLECTED


def test_partial_failure_keeps_what_was_answered_and_returns_the_rest(waiting, remote) -> None:
    receipts = waiting(1, 2, 3)
    tasks.run()
    batch = only(remote)
    good = str(receipts[0].batch_items.get().id)
    bad = str(receipts[1].batch_items.get().id)
    remote.finish(batch, lambda line: {good: fields(), bad: 400}.get(line["custom_id"]), status="expired")
    tasks.run()
    assert states(receipts) == [State.QUEUED] * 3
    assert [one.batch_items.get().state for one in receipts] == ["answered", "returned", "returned"]
    assert [one.batch_items.get().reason for one in receipts] == ["answered", "http_400", "batch_expired"]
    assert [kept(one) is not None for one in receipts] == [True, False, False]
    assert [one.batch_items.get().call.state for one in receipts] == [CallState.BILLED, CallState.FREE, CallState.FREE]
    assert books_balance(remote)


def test_a_receipt_that_came_back_twice_is_asked_for_by_itself(waiting, remote) -> None:
    (one,) = waiting(1)
    for _ in range(items.MAX_RETURNS):
        tasks.run()
        remote.finish(list(remote.batches.values())[-1], lambda _line: None, status="expired")
        tasks.run()
        Receipt.objects.filter(id=one.id).update(state=State.EXTRACTING, attempts=1)
        one.refresh_from_db()
        last = items.wanted(one, digest_of(picture(1))) and items.hand_over(one, digest_of(picture(1)))
    assert not last


def test_a_download_that_breaks_off_is_done_again(waiting, remote) -> None:
    receipts = waiting(1, 2)
    tasks.run()
    remote.finish(only(remote), lambda _line: fields())

    def cut(request: Received) -> Reply | None:
        if request.path.endswith("/content"):
            remote.before = lambda _request: None
            return Reply(body=remote.files[request.path.split("/")[3]], cut_after=300)
        return None

    remote.before = cut
    tasks.run()
    assert Batch.objects.get().state == BatchState.SUBMITTED
    tasks.run()
    assert states(receipts) == [State.QUEUED] * 2
    assert books_balance(remote)


def test_an_answer_in_a_line_that_cannot_be_read_is_in_doubt_and_not_asked_for_again(waiting, remote) -> None:
    receipts = waiting(1, 2)
    tasks.run()
    remote.finish(only(remote), lambda _line: fields(), mangle=lambda output: output.replace(b'"custom_id"', b"'", 1))
    tasks.run()
    assert states(receipts) == [State.QUEUED] * 2
    assert sorted(Call.objects.values_list("state", flat=True)) == [CallState.BILLED, CallState.IN_DOUBT]
    doubtful = Call.objects.get(state=CallState.IN_DOUBT)
    assert not items.wanted(doubtful.receipt, doubtful.content_sha256)


def test_a_batch_that_openai_has_forgotten_leaves_its_calls_in_doubt(waiting, remote) -> None:
    receipts = waiting(1)
    tasks.run()
    remote.batches.clear()
    tasks.run()
    assert states(receipts) == [State.QUEUED]
    assert Call.objects.get().state == CallState.IN_DOUBT


def test_a_late_batch_is_cancelled_and_what_it_has_is_kept(waiting, remote) -> None:
    receipts = waiting(1, 2)
    tasks.run()
    Batch.objects.update(created_at=timezone.now() - collection.OVERDUE - timedelta(minutes=1))
    tasks.run()
    batch = only(remote)
    assert batch.status == "cancelling"
    first = str(receipts[0].batch_items.get().id)
    remote.finish(batch, lambda line: fields() if line["custom_id"] == first else None, status="cancelled")
    tasks.run()
    assert [one.batch_items.get().state for one in receipts] == ["answered", "returned"]
    assert books_balance(remote)


def test_a_receipt_deleted_meanwhile_is_settled_all_the_same(waiting, remote) -> None:
    waiting(1)[0].delete()
    waiting(2)
    tasks.run()
    Receipt.objects.all().delete()
    remote.finish(only(remote), lambda _line: fields())
    tasks.run()
    assert set(Item.objects.values_list("state", flat=True)) == {ItemState.ANSWERED, ItemState.RETURNED}
    assert books_balance(remote)


def test_a_bulk_receipt_goes_through_a_batch_and_its_answer_is_checked_against_the_text(user, remote, capsys) -> None:
    demo = DEMO.read_bytes()
    bulk = BulkUpload.objects.create(user=user)
    one = receipt(user, body=demo, bulk_upload=bulk)
    assert reading.process(one.id) == State.BATCHED
    tasks.run()
    remote.finish(only(remote), lambda _line: fields())
    tasks.run()
    capsys.readouterr()
    assert reading.process(one.id) == State.EXTRACTED
    assert "OpenAICacheHits" not in capsys.readouterr().out, "it was paid for"
    one.refresh_from_db()
    assert (one.engine, one.total, one.attempts) == ("openai", Decimal("17.17"), 1)
    assert one.boxes["total"], "the figure is shown where it is printed"


def test_a_total_that_is_not_printed_is_not_believed_from_a_batch_either(user, remote) -> None:
    one = receipt(user, body=DEMO.read_bytes(), bulk_upload=BulkUpload.objects.create(user=user))
    assert reading.process(one.id) == State.BATCHED
    tasks.run()
    remote.finish(only(remote), lambda _line: fields(total="71.71"))
    tasks.run()
    assert reading.process(one.id) == State.NEEDS_REVIEW


def test_an_answer_of_a_batch_is_in_the_metrics_like_any_other(waiting, remote, capsys) -> None:
    waiting(1)
    tasks.run()
    remote.finish(only(remote), lambda _line: fields())
    capsys.readouterr()
    tasks.run()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    figures = {name: line[name] for line in lines for name in line if name.startswith("OpenAI")}
    assert figures["OpenAICost"] == 0.0001325
    assert figures["OpenAICalls"] == 1
    assert "OpenAISeconds" not in figures


def test_a_batch_that_breaks_the_collection_does_not_hold_up_the_others(
    waiting, remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = waiting(1)
    tasks.run()
    (second,) = waiting(2)
    tasks.run()
    for batch in remote.batches.values():
        remote.finish(batch, lambda _line: fields())
    broken = Batch.objects.get(items__receipt=first).id
    collect = collection._collect

    def breaks(batch: Batch, *arguments: Any) -> None:
        if batch.id == broken:
            raise RuntimeError("odd")
        collect(batch, *arguments)

    monkeypatch.setattr(collection, "_collect", breaks)
    tasks.run()
    assert states([first, second]) == [State.BATCHED, State.QUEUED]
