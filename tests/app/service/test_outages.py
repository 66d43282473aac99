"""What still works while the broker or the cache is away."""

from __future__ import annotations

import time

from rest_framework.test import APIClient
from support import png, receipt

from receipts import tasks
from receipts.models import Receipt
from receipts.states import State
from spendsmart import beat, broker

URL = "/api/v1/receipts/"


def test_without_the_broker_completing_works_and_the_sweeper_sends_the_message_later(
    api, user, bucket, stop_server, django_capture_on_commit_callbacks
) -> None:
    made = receipt(user, state=State.AWAITING_UPLOAD, body=png())
    stop_server("broker")
    began = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True):
        assert api.post(f"{URL}{made.id}/complete/").status_code == 202
    assert time.monotonic() - began < 20  # it does not go on trying for as long as Celery would
    assert Receipt.objects.get().state == State.QUEUED


def test_a_message_lost_with_the_broker_is_sent_by_the_next_sweep(user, lose_messages) -> None:
    made = receipt(user, state=State.UPLOADED)
    tasks.enqueue(made.id, source=State.UPLOADED)
    lose_messages()
    Receipt.objects.update(state_changed_at=Receipt.objects.get().state_changed_at - tasks.LOST * 2)
    tasks.sweep()
    assert broker.messages() == 1


def test_without_the_cache_people_log_in(make_user, stop_server) -> None:
    login = {"email": "ann@example.com", "password": "correct horse battery"}
    make_user(**login)
    stop_server("cache")
    assert APIClient().post("/api/v1/auth/login/", login, format="json").status_code == 200


def test_beat_goes_on_without_the_broker(db, stop_server, caplog) -> None:
    stop_server("broker")
    beat.publish()
    assert "backlog_unknown" in caplog.text
