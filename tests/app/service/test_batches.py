"""Batches at OpenAI, with a server that speaks its protocol: half the price, and nothing lost or billed twice."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from openai_server import Batches, FakeBatch, OpenAIServer, Received, Reply, fields, serve
from PIL import Image, ImageDraw
from support import receipt

from batches import collection, items, submission, tasks
from batches.models import Batch, BatchState, Item, ItemState
from extraction import NotYetError
from extraction.openai_engine import client
from openai_gateway import gateway, ledger
from openai_gateway.models import Call, CallState, Day, Purpose
from receipts import reading
from receipts.models import BulkUpload, Reading, Receipt
from receipts.readings import digest_of
from receipts.states import State
from receipts.tasks import enqueue

pytestmark = pytest.mark.usefixtures("bucket")
LONG_AGO = timedelta(days=1)
DEMO = Path(__file__).resolve().parents[3] / "docs" / "demo-receipt.png"


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with serve() as started:
        yield started


@pytest.fixture
def remote(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> Batches:
    monkeypatch.setattr(settings, "EXTRACTION_ENGINE", "openai")
    monkeypatch.setattr(settings, "OPENAI_API_KEY", "sk-test")
    monkeypatch.setattr(settings, "OPENAI_BASE_URL", server.url)
    monkeypatch.setattr(submission, "GATHER", timedelta(0))
    monkeypatch.setattr(collection, "POLL", timedelta(0))
    return Batches(server)


def picture(number: int) -> bytes:
    """Pictures that differ."""
    image = Image.new("RGB", (200, 300), "white")
    ImageDraw.Draw(image).text((20, 20), f"No {number}", fill="black")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def waiting(user: Any):
    """Receipts that came in bulk and wait for a batch."""
    bulk = BulkUpload.objects.create(user=user)

    def make(*numbers: int) -> list[Receipt]:
        made = []
        for number in numbers:
            body = picture(number)
            one = receipt(user, state=State.EXTRACTING, body=body, bulk_upload=bulk, attempts=1)
            assert items.wanted(one, digest_of(body))
            assert items.hand_over(one, digest_of(body))
            made.append(one)
        return made

    return make


def only(remote: Batches) -> FakeBatch:
    (batch,) = remote.batches.values()
    return batch


def states(receipts: list[Receipt]) -> list[str]:
    return [Receipt.objects.get(id=one.id).state for one in receipts]


def kept(one: Receipt) -> Reading | None:
    return Reading.objects.filter(content_sha256=one.batch_items.get().content_sha256, engine="openai").first()


def books_balance(remote: Batches) -> bool:
    """What the server billed is what the ledger says, and the day's sum is that of its calls."""
    ours = {
        str(item.id): (item.call.input_tokens, item.call.output_tokens)
        for item in Item.objects.select_related("call") if item.call and item.call.state == CallState.BILLED
    }  # fmt: skip
    theirs = {name: (usage["input_tokens"], usage["output_tokens"]) for name, usage in remote.bill.items()}
    return ours == theirs and all(day.spent == ledger.spent_on(day.day) for day in Day.objects.all())


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


def test_who_has_waited_long_may_wait_for_a_batch_and_who_just_came_may_not(user) -> None:
    one = receipt(user, state=State.EXTRACTING)
    assert not items.wanted(one, "a" * 64)
    one.created_at = timezone.now() - timedelta(minutes=settings.OPENAI_BATCH_AFTER_MINUTES + 1)
    assert items.wanted(one, "a" * 64)


@pytest.mark.parametrize("source", [State.UPLOADED, State.FAILED], ids=str)
def test_the_time_before_the_image_came_and_before_another_try_is_no_waiting(user, source: State) -> None:
    one = receipt(user, state=source)
    Receipt.objects.update(created_at=timezone.now() - LONG_AGO)
    assert enqueue(one.id, source=source)
    one.refresh_from_db()
    assert not items.wanted(one, "a" * 64)
    Receipt.objects.update(waits_since=timezone.now() - LONG_AGO)
    assert enqueue(one.id, source=State.QUEUED), "a lost message sent again"
    one.refresh_from_db()
    assert items.wanted(one, "a" * 64)


def test_a_receipt_that_waits_for_its_turn_for_too_long_goes_to_a_batch(
    user, remote, server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "read", lambda *_, **__: busy())
    one = receipt(user, body=DEMO.read_bytes(), waits_since=timezone.now())
    assert reading.process(one.id) == State.QUEUED
    one.refresh_from_db()
    assert one.retry_at <= timezone.now() + reading.LONGEST_PAUSE
    Receipt.objects.update(waits_since=timezone.now() - timedelta(minutes=settings.OPENAI_BATCH_AFTER_MINUTES + 1))
    assert reading.process(one.id) == State.BATCHED
    tasks.run()
    assert len(remote.requests(only(remote))) == 1


def busy() -> None:
    raise NotYetError("OpenAI's limits are used up.", retry_after=7200.0)


def test_the_same_image_is_asked_for_once(waiting, remote, user) -> None:
    first, second = waiting(1), waiting(1)
    tasks.run()
    assert len(remote.requests(only(remote))) == 1
    assert states(first + second) == [State.BATCHED, State.QUEUED]
    third = receipt(user, state=State.EXTRACTING, bulk_upload=BulkUpload.objects.get())
    assert not items.wanted(third, digest_of(picture(1)))


@pytest.mark.parametrize("arrived", [True, False])
def test_an_answer_that_was_lost_is_found_by_the_batch_itself(waiting, remote, server, arrived: bool) -> None:
    """`batches.create` breaks off: whether OpenAI made the batch or not, the receipts are asked for exactly once."""
    receipts = waiting(1, 2)

    def breaks_off(request: Received) -> Reply | None:
        if (request.method, request.path) == ("POST", "/v1/batches"):
            remote.before = lambda _request: None
            if arrived:
                remote._answer(request)
            return Reply(body=b"{}", cut_after=1)
        return None

    remote.before = breaks_off
    tasks.run()
    assert Batch.objects.get().state == BatchState.FORMING
    tasks.run()
    assert len(remote.batches) == int(arrived), "nothing is sent again while its maker may be alive"
    Batch.objects.update(claimed_at=timezone.now() - LONG_AGO)
    Item.objects.update(created_at=timezone.now() - LONG_AGO)
    tasks.run()
    if not arrived:
        assert Batch.objects.get().state == BatchState.FAILED
        assert set(Call.objects.values_list("state", flat=True)) == {CallState.FREE}
        Batch.objects.update(ended_at=timezone.now() - LONG_AGO)
        tasks.run()
    batch = only(remote)
    remote.finish(batch, lambda _line: fields())
    tasks.run()
    assert [kept(one) is not None for one in receipts] == [True, True]
    assert states(receipts) == [State.QUEUED] * 2
    assert books_balance(remote)


@pytest.mark.parametrize("step", ["assembled", "uploaded", "created"])
def test_a_worker_killed_while_it_submits_leaves_a_batch_that_goes_on(
    waiting, remote, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipts = waiting(1, 2)
    to = client(api_key=settings.OPENAI_API_KEY, base_url=settings.OPENAI_BASE_URL)

    class Killed(BaseException):
        pass

    def kill(*_arguments: Any, **_keywords: Any) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        where = {
            "assembled": (to.files, "create"),
            "uploaded": (to.batches, "create"),
            "created": (submission, "_submitted"),
        }
        dying.setattr(*where[step], kill)
        with pytest.raises(Killed):
            tasks.run()
    assert states(receipts) == [State.BATCHED] * 2
    Batch.objects.update(claimed_at=timezone.now() - LONG_AGO)
    tasks.run()
    Batch.objects.update(ended_at=timezone.now() - LONG_AGO)
    tasks.run()
    remote.finish(only(remote), lambda _line: fields())
    tasks.run()
    assert [kept(one) is not None for one in receipts] == [True, True]
    assert states(receipts) == [State.QUEUED] * 2
    assert books_balance(remote)


def test_a_worker_killed_while_it_collects_is_followed_by_one_that_goes_on(
    waiting, remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipts = waiting(1, 2, 3)
    tasks.run()
    remote.finish(only(remote), lambda _line: fields())
    real, calls = items.answered, []

    class Killed(BaseException):
        pass

    def dies_at_the_second(item: Item, *arguments: Any, **keywords: Any) -> None:
        calls.append(item)
        if len(calls) == 2:
            raise Killed
        real(item, *arguments, **keywords)

    with monkeypatch.context() as dying:
        dying.setattr(items, "answered", dies_at_the_second)
        with pytest.raises(Killed):
            tasks.run()
    assert sorted(states(receipts)) == [State.BATCHED, State.BATCHED, State.QUEUED]
    tasks.run()
    assert states(receipts) == [State.QUEUED] * 3
    assert books_balance(remote)


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


def test_the_budget_is_kept_before_anything_is_sent(waiting, remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "OPENAI_DAILY_BUDGET_USD", 0)
    receipts = waiting(1)
    tasks.run()
    assert remote.batches == {}
    assert states(receipts) == [State.QUEUED]
    assert Item.objects.get().reason == "over_budget"


def test_refused_for_what_else_is_under_way_a_batch_is_made_again_after_a_pause(waiting, remote) -> None:
    receipts = waiting(1)
    tasks.run()
    batch = only(remote)
    batch.status, batch.errors = "failed", [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}]
    tasks.run()
    assert states(receipts) == [State.BATCHED]
    tasks.run()
    assert len(remote.batches) == 1, "it rests"
    Batch.objects.update(ended_at=timezone.now() - LONG_AGO)
    tasks.run()
    assert len(remote.batches) == 2


@pytest.mark.parametrize(("status", "after"), [(500, State.BATCHED), (429, State.BATCHED), (400, State.QUEUED)])
def test_what_is_refused_for_good_is_asked_for_one_by_one(waiting, remote, status: int, after: State) -> None:
    receipts = waiting(1)

    def refuse(request: Received) -> Reply | None:
        return Reply(status=status, body=b'{"error": {}}') if request.path == "/v1/batches" else None

    remote.before = refuse
    tasks.run()
    assert states(receipts) == [after]
    assert Call.objects.get().state == CallState.FREE
    assert remote.files == {}


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


def test_openai_switched_off_sends_who_waits_back(waiting, remote, monkeypatch: pytest.MonkeyPatch) -> None:
    receipts = waiting(1)
    monkeypatch.setattr(settings, "EXTRACTION_ENGINE", "local")
    tasks.run()
    assert states(receipts) == [State.QUEUED]
    assert remote.batches == {}


def test_a_batch_holds_no_more_than_it_may(waiting, remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission, "MOST_ITEMS", 2)
    waiting(1, 2, 3)
    tasks.run()
    assert Item.objects.filter(state=ItemState.WAITING).count() == 1
    monkeypatch.setattr(submission, "MOST_BYTES", 0)
    waiting(4)
    tasks.run()
    assert sorted(len(remote.requests(batch)) for batch in remote.batches.values()) == [1, 2]
    assert Item.objects.filter(state=ItemState.WAITING).count() == 1


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


def test_one_batch_is_put_together_at_a_time(waiting, remote) -> None:
    waiting(1)
    other = Batch.objects.create(model="gpt-6-luna")
    tasks.run()
    assert remote.batches == {}
    Batch.objects.filter(id=other.id).update(claimed_at=timezone.now() - LONG_AGO)
    tasks.run()
    Batch.objects.filter(id=other.id).update(ended_at=timezone.now() - LONG_AGO)
    tasks.run()
    assert len(remote.batches) == 1


def test_a_run_that_is_late_begins_nothing_more(waiting, remote, monkeypatch: pytest.MonkeyPatch) -> None:
    receipts = waiting(1)
    with monkeypatch.context() as late:
        late.setattr(tasks, "WORK_SECONDS", -1)
        tasks.run()
        assert not Batch.objects.exists()
    tasks.run()
    remote.finish(only(remote), lambda _line: fields())
    with monkeypatch.context() as late:
        late.setattr(tasks, "WORK_SECONDS", -1)
        tasks.run()
        assert states(receipts) == [State.BATCHED]
    tasks.run()
    assert states(receipts) == [State.QUEUED]


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


def test_a_receipt_deleted_while_its_request_is_written_holds_nobody_up(
    waiting, remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, other = waiting(1, 2)
    opens = submission.open_photo

    def deletes(image: bytes, **keywords: Any) -> Image.Image:
        Receipt.objects.filter(id=gone.id).delete()
        with connection.cursor() as cursor:  # as at the end of a transaction, which a test does not come to
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        return opens(image, **keywords)

    monkeypatch.setattr(submission, "open_photo", deletes)
    tasks.run()
    assert len(remote.requests(only(remote))) == 1
    assert states([other]) == [State.BATCHED]
    assert Call.objects.count() == 1


def test_an_image_that_was_overwritten_is_not_asked_for_in_the_others_name(waiting, remote) -> None:
    (one,) = waiting(1)
    boto3.client("s3").put_object(Bucket="receipts", Key=one.key, Body=picture(2))
    tasks.run()
    assert remote.batches == {}
    assert states([one]) == [State.QUEUED]
    assert not Call.objects.exists()


def test_openai_switched_off_for_good_gives_up_what_it_was_asked(
    waiting, remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipts = waiting(1)
    tasks.run()
    monkeypatch.setattr(settings, "EXTRACTION_ENGINE", "local")
    tasks.run()
    assert states(receipts) == [State.BATCHED], "it may be switched on again"
    Batch.objects.update(created_at=timezone.now() - collection.OVERDUE - timedelta(minutes=1))
    tasks.run()
    assert states(receipts) == [State.QUEUED]
    assert Call.objects.get().state == CallState.IN_DOUBT


@pytest.mark.parametrize("engine", ["openai", "local"])
def test_a_receipt_whose_item_is_gone_goes_back_to_the_queue(
    waiting, remote, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    lost, held = waiting(1, 2)
    Item.objects.filter(receipt=held).update(state=ItemState.ASKED)
    Item.objects.filter(receipt=lost).delete()
    monkeypatch.setattr(settings, "EXTRACTION_ENGINE", engine)
    tasks.run()
    assert states([lost, held]) == [State.QUEUED, State.BATCHED]


def test_what_a_receipt_waited_for_before_is_not_told_any_more(user) -> None:
    one = receipt(user, state=State.EXTRACTING, attempts=1, reason="OpenAI's limits are used up.")
    assert items.hand_over(one, "a" * 64)
    one.refresh_from_db()
    assert (one.state, one.reason) == (State.BATCHED, "")
