"""Batches go on after a worker was killed, an answer was lost, or OpenAI was switched off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from batch_support import LONG_AGO, books_balance, kept, only, states
from django.conf import settings
from django.utils import timezone

from batches import collection, items, submission, tasks
from batches.models import Batch, BatchState, Item, ItemState
from extraction.openai_engine import client
from localcloud.openai_server import Received, Reply, fields
from openai_gateway.models import Call, CallState
from receipts.states import State

pytestmark = pytest.mark.usefixtures("bucket")


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


def test_openai_switched_off_sends_who_waits_back(waiting, remote, monkeypatch: pytest.MonkeyPatch) -> None:
    receipts = waiting(1)
    monkeypatch.setattr(settings, "EXTRACTION_ENGINE", "local")
    tasks.run()
    assert states(receipts) == [State.QUEUED]
    assert remote.batches == {}


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
