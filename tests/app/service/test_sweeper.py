"""The queue may lose anything: the sweeper finds unfinished receipts in the database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from support import png, receipt

from receipts import reading, tasks
from receipts.models import Receipt
from receipts.states import State
from spendsmart import broker

pytestmark = pytest.mark.usefixtures("bucket")
AGES_AGO = timedelta(hours=1)


def old(user, state: State, **fields) -> Receipt:
    return receipt(user, state=state, state_changed_at=timezone.now() - AGES_AGO, **fields)


def test_a_receipt_whose_message_was_lost_is_sent_again(user) -> None:
    made = old(user, State.QUEUED)
    assert tasks.sweep()["lost"] == 1
    assert broker.messages() == 1
    assert tasks.sweep()["lost"] == 0  # it was sent just now
    assert Receipt.objects.get(id=made.id).state == State.QUEUED


def test_behind_a_long_queue_a_message_is_not_taken_for_lost(user, lose_messages) -> None:
    made = receipt(user, state_changed_at=timezone.now() - tasks.LOST * 2)
    tasks.extract.apply_async((str(made.id),), queue="bulk")
    assert tasks.sweep()["lost"] == 0
    lose_messages()
    assert tasks.sweep()["lost"] == 1


def test_an_uploaded_receipt_that_was_never_queued_is_queued(user) -> None:
    old(user, State.UPLOADED)
    tasks.sweep()
    assert Receipt.objects.get().state == State.QUEUED
    assert broker.messages() == 1


def test_a_receipt_of_a_dead_worker_is_taken_from_it_and_given_up_in_the_end(user) -> None:
    made = old(user, State.EXTRACTING, attempts=1)
    tasks.sweep()
    assert Receipt.objects.get().state == State.QUEUED
    Receipt.objects.filter(id=made.id).update(
        state=State.EXTRACTING, attempts=reading.MAX_ATTEMPTS, state_changed_at=timezone.now() - AGES_AGO
    )
    tasks.sweep()
    assert Receipt.objects.get().state == State.FAILED


def test_an_upload_nobody_announced_as_complete_is_found_in_the_bucket(user) -> None:
    old(user, State.AWAITING_UPLOAD, body=png())
    tasks.sweep()
    assert Receipt.objects.get().state == State.QUEUED


def test_an_upload_that_never_came_fails(user) -> None:
    old(user, State.AWAITING_UPLOAD)
    tasks.sweep()
    assert Receipt.objects.get().state == State.FAILED


def test_a_postponed_receipt_waits_for_its_time(user) -> None:
    made = old(user, State.QUEUED, retry_at=timezone.now() + timedelta(minutes=5))
    assert set(tasks.sweep().values()) == {0}
    Receipt.objects.filter(id=made.id).update(retry_at=timezone.now() - timedelta(seconds=1))
    assert tasks.sweep()["due"] == 1
    assert Receipt.objects.get().retry_at is None


def test_young_and_finished_receipts_are_left_alone(user) -> None:
    for state in (State.AWAITING_UPLOAD, State.UPLOADED, State.QUEUED, State.EXTRACTING):
        receipt(user, state=state)
    for state in (State.NEEDS_REVIEW, State.FAILED, State.REJECTED):
        old(user, state)
    assert set(tasks.sweep().values()) == {0}
