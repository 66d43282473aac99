"""Many receipts in one go: announced, completed and watched with a few calls, and never in anybody's way."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
import redis
from django.utils import timezone
from support import png, receipt

from receipts import storage, tasks
from receipts.models import BulkUpload, Receipt
from receipts.states import State
from spendsmart import broker

URL = "/api/v1/bulk-uploads/"
pytestmark = pytest.mark.usefixtures("bucket")


def files(count: int) -> list[dict]:
    return [{"file_name": f"{number}.png", "content_type": "image/png", "size": 100} for number in range(count)]


def waiting_in(queue: str) -> int:
    return int(broker.client().llen(queue))


def stored(key: str) -> None:
    storage.client().put_object(Bucket="receipts", Key=key, Body=png())


@pytest.fixture
def bulk(user) -> BulkUpload:
    return BulkUpload.objects.create(user=user, name="March")


def test_a_hundred_files_are_announced_with_a_form_each_and_few_queries(
    api, user, django_assert_max_num_queries
) -> None:
    with django_assert_max_num_queries(8):  # who asks, a transaction's two ends, the bulk upload, the receipts
        answer = api.post(URL, {"name": "March", "files": files(100)}, format="json")
    assert answer.status_code == 201
    receipts = answer.json()["receipts"]
    assert [one["file_name"] for one in receipts] == [f"{number}.png" for number in range(100)]
    assert {one["upload"]["fields"]["key"] for one in receipts} == {
        f"receipts/{user.id}/{one['id']}" for one in receipts
    }
    assert Receipt.objects.filter(bulk_upload=answer.json()["id"], user=user).count() == 100


def test_more_files_are_added_to_the_same_bulk_upload(api, bulk) -> None:
    assert api.post(f"{URL}{bulk.id}/files/", {"files": files(2)}, format="json").status_code == 201
    assert len(api.post(f"{URL}{bulk.id}/files/", {"files": files(3)}, format="json").json()["receipts"]) == 3
    assert api.get(f"{URL}{bulk.id}/").json()["total"] == 5


@pytest.mark.parametrize(
    "sent",
    [
        {"files": files(101)},
        {"files": [*files(1), {"content_type": "text/html", "size": 1}]},
        {"files": [{"content_type": "image/png", "size": 1_000_001}]},
        {"files": "all of them"},
        {"files": [{"file_name": "\ud800", "content_type": "image/png", "size": 1}]},
        {"name": "n" * 201},
        [],
    ],
    ids=["too many", "a type", "a size", "no list", "a surrogate", "a name", "no object"],
)
def test_if_one_file_is_refused_none_is_announced(api, sent: object) -> None:
    assert api.post(URL, json.dumps(sent), content_type="application/json").status_code == 400
    assert not BulkUpload.objects.exists() and not Receipt.objects.exists()


def test_what_was_uploaded_is_queued_behind_everything_else(
    api, user, bulk, django_capture_on_commit_callbacks
) -> None:
    here, missing = (receipt(user, state=State.AWAITING_UPLOAD, bulk_upload=bulk) for _ in range(2))
    read = receipt(user, state=State.NEEDS_REVIEW, bulk_upload=bulk)
    elsewhere = receipt(user, state=State.AWAITING_UPLOAD)
    stored(here.key)
    sent = {"receipts": [str(one.id) for one in (here, missing, read, elsewhere)]}
    with django_capture_on_commit_callbacks(execute=True):
        answer = api.post(f"{URL}{bulk.id}/complete/", sent, format="json")
    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": [str(here.id), str(read.id)],
        "missing": [str(missing.id)],
        "unknown": [str(elsewhere.id)],
    }
    assert (waiting_in("bulk"), broker.messages()) == (1, 1)
    assert Receipt.objects.get(id=here.id).state == State.QUEUED
    assert api.post(f"{URL}{bulk.id}/complete/", sent, format="json").json()["accepted"] == [str(here.id), str(read.id)]
    assert broker.messages() == 1


def test_without_a_broker_nothing_is_lost(api, user, bulk, stop_server, django_capture_on_commit_callbacks) -> None:
    made = receipt(user, state=State.AWAITING_UPLOAD, bulk_upload=bulk, body=png())
    stop_server("broker")
    with django_capture_on_commit_callbacks(execute=True):
        answer = api.post(f"{URL}{bulk.id}/complete/", {"receipts": [str(made.id)]}, format="json")
    assert answer.status_code == 202
    assert Receipt.objects.get().state == State.QUEUED
    with pytest.raises(redis.RedisError):
        broker.messages()


@pytest.mark.parametrize("state", [State.AWAITING_UPLOAD, State.UPLOADED, State.QUEUED, State.EXTRACTING], ids=str)
def test_what_the_sweeper_sends_again_goes_to_the_same_queue(user, bulk, state: State) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    receipt(user, state=state, state_changed_at=long_ago, bulk_upload=bulk, body=png())
    tasks.sweep()
    assert (waiting_in("bulk"), broker.messages()) == (1, 1)


def test_one_of_a_bulk_upload_that_is_completed_alone_waits_behind_too(
    api, user, bulk, django_capture_on_commit_callbacks
) -> None:
    made = receipt(user, state=State.AWAITING_UPLOAD, bulk_upload=bulk, body=png())
    with django_capture_on_commit_callbacks(execute=True):
        api.post(f"/api/v1/receipts/{made.id}/complete/")
    assert (waiting_in("bulk"), broker.messages()) == (1, 1)


def test_the_progress_counts_each_state_and_names_what_failed(api, user, bulk) -> None:
    for state in (State.QUEUED, State.QUEUED, State.NEEDS_REVIEW):
        receipt(user, state=state, bulk_upload=bulk)
    receipt(user, state=State.REJECTED, reason="Not a picture.", file_name="virus.exe", bulk_upload=bulk)
    receipt(user, state=State.FAILED)  # of none
    progress = api.get(f"{URL}{bulk.id}/").json()
    assert (progress["total"], progress["done"]) == (4, 2)
    assert progress["states"] == {"queued": 2, "needs_review": 1, "rejected": 1}
    assert [(one["file_name"], one["reason"]) for one in progress["failures"]] == [("virus.exe", "Not a picture.")]


def test_the_list_of_bulk_uploads_takes_the_same_number_of_queries(api, user, django_assert_num_queries) -> None:
    for _ in range(20):
        receipt(user, bulk_upload=BulkUpload.objects.create(user=user))
    with django_assert_num_queries(3):  # the user, the bulk uploads, their receipts' states
        results = api.get(URL).json()["results"]
    assert [one["total"] for one in results] == [1] * 20


def test_the_receipts_of_a_bulk_upload_are_a_filter_of_the_list(api, user, bulk) -> None:
    mine = receipt(user, bulk_upload=bulk)
    receipt(user)
    assert [one["id"] for one in api.get("/api/v1/receipts/", {"bulk_upload": bulk.id}).json()["results"]] == [
        str(mine.id)
    ]


@pytest.mark.parametrize(("method", "path"), [("get", ""), ("post", "files/"), ("post", "complete/")])
def test_anothers_bulk_upload_does_not_exist(api_of, make_user, bulk, method: str, path: str) -> None:
    stranger = api_of(make_user("stranger@example.com"))
    sent = {"files": files(1), "receipts": [str(uuid.uuid4())]}
    assert getattr(stranger, method)(f"{URL}{bulk.id}/{path}", sent, format="json").status_code == 404
    assert stranger.get(URL).json()["results"] == []
    assert not Receipt.objects.exists()
