"""What needs a person waits in a queue, oldest first, and leaves it by the person's word."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from support import png, read_receipt, receipt

from receipts import review
from receipts.models import Receipt
from receipts.states import State
from spendsmart import broker

URL = "/api/v1/receipts/review/"
RECEIPTS = "/api/v1/receipts/"
pytestmark = pytest.mark.usefixtures("bucket")


def doubtful(user, *, days_old: int = 0, **fields) -> Receipt:
    made = receipt(user, state=State.NEEDS_REVIEW, **({"total": "1.00", "review_reasons": ["Blurred."]} | fields))
    created = timezone.now() - timedelta(days=days_old)
    Receipt.objects.filter(id=made.id).update(created_at=created)
    made.created_at = created
    return made


def test_what_needs_a_person_comes_oldest_first_with_its_reasons(api, user) -> None:
    young, old = doubtful(user, days_old=1), doubtful(user, days_old=3)
    twice = read_receipt(user, duplicate="suspected", duplicate_of=young)
    read_receipt(user)
    receipt(user, state=State.FAILED)
    page = api.get(URL).json()
    assert [one["id"] for one in page["results"]] == [str(old.id), str(young.id), str(twice.id)]
    assert page["results"][0]["reasons"] == ["Blurred."]
    assert page["results"][2]["kinds"] == ["duplicate"]
    assert page["results"][2]["duplicate_of"] == str(young.id)
    assert page["count"] == 3
    assert page["counts"] == {"needs_review": 2, "duplicate": 1, "failed": 1, "rejected": 0}


def test_failed_and_rejected_ones_are_there_for_who_asks(api, user) -> None:
    receipt(user, state=State.FAILED, attempts=6, reason="Reading the image took too long.")
    receipt(user, state=State.REJECTED, reason="Not a picture.")
    page = api.get(URL, {"kind": ["failed", "rejected"]}).json()
    assert {(one["reasons"][0], one["can_retry"], one["can_confirm"]) for one in page["results"]} == {
        ("Reading the image took too long.", True, False),
        ("Not a picture.", False, False),
    }
    assert api.get(URL, {"kind": "lost"}).status_code == 400


def test_a_page_of_the_queue_takes_the_same_number_of_queries(api, user, django_assert_num_queries) -> None:
    for age in range(25):
        doubtful(user, days_old=age).items.create(position=0, description="Milk", price="1.00")
    with django_assert_num_queries(5):  # the user, the receipts, their lines, the count, the counts
        page = api.get(URL).json()
    assert len(page["results"]) == 20
    assert len(api.get(page["next"]).json()["results"]) == 5


def test_the_neighbours_lead_through_the_whole_queue_and_back(api, user) -> None:
    now = timezone.now()
    queue = [doubtful(user) for _ in range(4)]
    Receipt.objects.update(created_at=now)  # all of one moment
    inner = sorted(queue, key=lambda one: one.id)
    read_receipt(user)
    seen, current = [], str(inner[0].id)
    while current:
        seen.append(current)
        current = api.get(f"{URL}{current}/").json()["next"]
    assert seen == [str(one.id) for one in inner]
    assert api.get(f"{URL}{inner[0].id}/").json()["previous"] is None
    second = api.get(f"{URL}{inner[1].id}/").json()
    assert (second["previous"], second["left"]) == (str(inner[0].id), 4)


def test_whoever_settled_one_finds_the_next(api, user) -> None:
    first, second = doubtful(user, days_old=2), doubtful(user, days_old=1)
    assert api.post(f"{RECEIPTS}{first.id}/confirm/").status_code == 200
    place = api.get(f"{URL}{first.id}/").json()
    assert (place["next"], place["left"], place["receipt"]["kinds"]) == (str(second.id), 1, [])


def test_confirming_keeps_what_was_read_and_settles_it(api, user) -> None:
    made = doubtful(user, merchant="Lidl", total="9.99", reread_at=timezone.now())
    answer = api.post(f"{RECEIPTS}{made.id}/confirm/").json()
    assert (answer["state"], answer["merchant"], answer["total"]) == ("extracted", "Lidl", "9.99")
    kept = Receipt.objects.get()
    assert kept.corrected_at is not None and kept.reread_at is None
    assert answer["remembered"] is None


def test_without_a_total_there_is_nothing_to_confirm(api, user) -> None:
    made = doubtful(user, total=None)
    assert not api.get(URL).json()["results"][0]["can_confirm"]
    assert api.post(f"{RECEIPTS}{made.id}/confirm/").status_code == 409


def test_what_failed_is_read_again_with_all_its_attempts(api, user) -> None:
    made = receipt(user, state=State.FAILED, attempts=6, reason="Reading failed.", body=png())
    assert api.post(f"{RECEIPTS}{made.id}/retry/").status_code == 202
    kept = Receipt.objects.get()
    assert (kept.state, kept.attempts, kept.reason) == (State.QUEUED, 0, "")
    assert broker.messages() == 1
    assert api.post(f"{RECEIPTS}{made.id}/retry/").status_code == 409  # it is on its way


@pytest.mark.parametrize("state", [State.REJECTED, State.NEEDS_REVIEW, State.EXTRACTED], ids=str)
def test_what_did_not_fail_is_not_read_again(api, user, state: State) -> None:
    made = receipt(user, state=state, total="1.00", body=png())
    assert api.post(f"{RECEIPTS}{made.id}/retry/").status_code == 409
    assert Receipt.objects.get().state == state


def test_without_its_image_a_receipt_cannot_be_read_again(api, user) -> None:
    made = receipt(user, state=State.FAILED, attempts=1)
    assert api.post(f"{RECEIPTS}{made.id}/retry/").status_code == 409
    assert Receipt.objects.get().state == State.FAILED


def test_the_queue_of_another_does_not_exist(api_of, make_user, user) -> None:
    made = doubtful(user)
    stranger = api_of(make_user("stranger@example.com"))
    page = stranger.get(URL).json()
    assert (page["results"], page["count"], page["counts"]["needs_review"]) == ([], 0, 0)
    assert stranger.get(f"{URL}{made.id}/").status_code == 404
    for action in ("confirm", "retry"):
        assert stranger.post(f"{RECEIPTS}{made.id}/{action}/").status_code == 404


def test_neighbours_are_those_of_the_same_person(user, make_user) -> None:
    doubtful(make_user("other@example.com"), days_old=1)
    mine = doubtful(user)
    assert review.place(mine) == review.Place(previous=None, next=None, left=1)
