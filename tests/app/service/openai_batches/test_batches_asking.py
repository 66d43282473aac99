"""What is asked of OpenAI in a batch, when, and how much at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import boto3
import pytest
from batch_support import DEMO, LONG_AGO, only, picture, states
from django.conf import settings
from django.db import connection
from django.utils import timezone
from PIL import Image
from support import receipt

from batches import items, submission, tasks
from batches.models import Batch, Item, ItemState
from extraction import NotYetError
from localcloud.openai_server import Received, Reply, fields
from openai_gateway import gateway
from openai_gateway.models import Call, CallState
from receipts import reading
from receipts.models import BulkUpload, Receipt
from receipts.readings import digest_of
from receipts.states import State
from receipts.tasks import enqueue

pytestmark = pytest.mark.usefixtures("bucket")


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


def test_what_a_receipt_waited_for_before_is_not_told_any_more(user) -> None:
    one = receipt(user, state=State.EXTRACTING, attempts=1, reason="OpenAI's limits are used up.")
    assert items.hand_over(one, "a" * 64)
    one.refresh_from_db()
    assert (one.state, one.reason) == (State.BATCHED, "")
