"""The metrics of the queues: what the number of workers follows, and how long people wait."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import redis
from django.utils import timezone
from support import receipt

from receipts import backlog, tasks
from receipts.models import BulkUpload
from receipts.states import State


def published(capsys, queue: str | None = None) -> dict:
    """All metrics of one queue, or those without dimensions, in one dictionary."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {name: value for line in lines if line.get("Queue") == queue for name, value in line.items()}


def test_the_metric_is_one_line_of_cloudwatchs_embedded_format(user, capsys) -> None:
    for state in (State.UPLOADED, State.QUEUED, State.EXTRACTING, State.NEEDS_REVIEW, State.AWAITING_UPLOAD):
        receipt(user, state=state)
    receipt(user, state=State.QUEUED, retry_at=timezone.now() + timedelta(minutes=1))  # not due yet
    backlog.publish()
    line = published(capsys)
    assert (line["QueueLength"], line["BacklogPerTask"]) == (3, 3)
    directive = line["_aws"]["CloudWatchMetrics"][0]
    assert directive["Namespace"] == "SpendSmart/test"
    assert directive["Dimensions"] == [[]]
    assert {metric["Name"] for metric in directive["Metrics"]} == {"QueueLength", "BacklogPerTask"}
    assert abs(line["_aws"]["Timestamp"] / 1000 - timezone.now().timestamp()) < 60


def test_each_queue_has_its_length_and_the_age_of_its_oldest(user) -> None:
    now = timezone.now()
    bulk = BulkUpload.objects.create(user=user)
    for minutes in (1, 5):
        receipt(user, state=State.QUEUED, state_changed_at=now - timedelta(minutes=minutes))
        receipt(user, state=State.QUEUED, bulk_upload=bulk, state_changed_at=now - timedelta(minutes=minutes * 10))
    receipt(user, state=State.QUEUED, attempts=1, retry_at=now - timedelta(seconds=30),
            state_changed_at=now - timedelta(hours=1))  # fmt: skip
    assert backlog.by_queue(now) == {
        "interactive": backlog.Backlog(receipts=2, oldest_seconds=300),
        "bulk": backlog.Backlog(receipts=2, oldest_seconds=3000),
        "default": backlog.Backlog(receipts=1, oldest_seconds=30),
    }


def test_what_is_being_read_does_not_wait(user) -> None:
    receipt(user, state=State.EXTRACTING, state_changed_at=timezone.now() - timedelta(minutes=1))
    assert backlog.by_queue(timezone.now())["interactive"] == backlog.Backlog(receipts=1, oldest_seconds=0.0)


def test_an_empty_queue_is_published_as_empty(db, capsys) -> None:
    backlog.publish()
    line = published(capsys, "bulk")
    assert (line["QueueLength"], line["OldestSeconds"], line["Messages"]) == (0, 0, 0)


def test_what_lies_in_the_broker_is_counted_by_queue(user, capsys) -> None:
    tasks.enqueue(receipt(user, state=State.UPLOADED).id, source=State.UPLOADED, queue="bulk")
    backlog.publish()
    assert published(capsys, "bulk")["Messages"] == 1


def test_without_the_broker_the_databases_figures_are_published(user, stop_server, capsys) -> None:
    receipt(user, state=State.UPLOADED)
    stop_server("broker")
    with pytest.raises(redis.RedisError):
        backlog.publish()
    assert published(capsys, "interactive")["QueueLength"] == 1
