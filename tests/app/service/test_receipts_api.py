from __future__ import annotations

import boto3
import pytest
from support import png, read_receipt, receipt

from receipts.models import Receipt
from receipts.states import State

URL = "/api/v1/receipts/"
pytestmark = pytest.mark.usefixtures("bucket")


def test_creating_answers_with_a_form_for_one_key(api, user) -> None:
    answer = api.post(URL, {"content_type": "image/png", "size": 1000}, format="json")
    assert answer.status_code == 201
    created = answer.json()
    assert created["state"] == "awaiting_upload"
    assert created["upload"]["fields"]["key"] == f"receipts/{user.id}/{created['id']}"


@pytest.mark.parametrize(
    "announced",
    [
        {"content_type": "image/svg+xml", "size": 10},
        {"content_type": "image/png", "size": 0},
        {"content_type": "image/png", "size": 1_000_001},
        {"content_type": "image/png"},
        {},
    ],
)
def test_what_may_not_be_uploaded_is_refused_at_once(api, announced: dict) -> None:
    assert api.post(URL, announced, format="json").status_code == 400


def test_completing_queues_the_receipt_once(api, user, django_capture_on_commit_callbacks) -> None:
    made = receipt(user, state=State.AWAITING_UPLOAD, body=png())
    with django_capture_on_commit_callbacks(execute=True):
        first = api.post(f"{URL}{made.id}/complete/")
    again = api.post(f"{URL}{made.id}/complete/")
    assert first.status_code == again.status_code == 202
    assert Receipt.objects.get().state == State.QUEUED


def test_completing_before_the_upload_is_a_conflict(api, user) -> None:
    made = receipt(user, state=State.AWAITING_UPLOAD)
    assert api.post(f"{URL}{made.id}/complete/").status_code == 409
    assert Receipt.objects.get().state == State.AWAITING_UPLOAD


def test_the_list_is_in_pages_newest_first_and_filtered(api, user) -> None:
    for day in range(1, 26):
        read_receipt(user, purchased_on=f"2026-03-{day:02}", merchant="Lidl" if day % 2 else "Aldi")
    page = api.get(URL).json()
    assert len(page["results"]) == 20
    assert page["results"][0]["purchased_on"] == "2026-03-25"
    assert len(api.get(page["next"]).json()["results"]) == 5
    assert len(api.get(URL, {"merchant": "ald"}).json()["results"]) == 12
    assert len(api.get(URL, {"since": "2026-03-20", "until": "2026-03-21"}).json()["results"]) == 2
    assert api.get(URL, {"state": "nonsense"}).status_code == 400


def test_a_page_takes_the_same_number_of_queries_however_many_it_shows(api, user, django_assert_num_queries) -> None:
    for _ in range(20):
        read_receipt(user).items.create(position=0, description="Milk", price="1.00")
    with django_assert_num_queries(3):  # the user, the receipts, their lines
        assert len(api.get(URL).json()["results"]) == 20


def test_a_correction_is_stored_and_settles_a_review(api, user) -> None:
    made = receipt(user, state=State.NEEDS_REVIEW, total="1.00", review_reasons=["The sum is off."])
    answer = api.patch(f"{URL}{made.id}/", {"total": "12.30", "currency": "usd"}, format="json")
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["total"], answer.json()["currency"]) == ("extracted", "12.30", "USD")
    assert answer.json()["review_reasons"] == []


@pytest.mark.parametrize("state", [State.AWAITING_UPLOAD, State.QUEUED, State.EXTRACTING, State.REJECTED])
def test_a_receipt_that_was_not_read_cannot_be_corrected(api, user, state: State) -> None:
    made = receipt(user, state=state)
    assert api.patch(f"{URL}{made.id}/", {"total": "1.00"}, format="json").status_code == 409


def test_deleting_takes_the_image_along(api, user) -> None:
    made = receipt(user, state=State.FAILED, body=png())
    assert api.delete(f"{URL}{made.id}/").status_code == 204
    listed = boto3.client("s3").list_objects_v2(Bucket="receipts", Prefix=made.key)
    assert listed["KeyCount"] == 0
    assert not Receipt.objects.exists()


@pytest.mark.parametrize(
    ("method", "path"), [("get", ""), ("patch", ""), ("delete", ""), ("post", "complete/")], ids=str
)
def test_anothers_receipt_does_not_exist(api_of, make_user, user, method: str, path: str) -> None:
    theirs = read_receipt(user)
    stranger = api_of(make_user("stranger@example.com"))
    assert getattr(stranger, method)(f"{URL}{theirs.id}/{path}", {}, format="json").status_code == 404
    assert stranger.get(URL).json()["results"] == []
    assert Receipt.objects.filter(id=theirs.id).exists()
