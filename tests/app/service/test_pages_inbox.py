"""The inbox, and uploading into it."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import boto3
import httpx2
import pytest
from django.test import Client
from support import png, read_receipt, receipt

from receipts.models import BulkUpload, Duplicate, Receipt
from receipts.states import State

pytestmark = [
    pytest.mark.usefixtures("bucket"),
    # Committed for real: the reader is another connection, which sees no open transaction.
    pytest.mark.django_db(databases=["default", "reader"], transaction=True),
]


@pytest.fixture
def member(user) -> Client:
    made = Client()
    made.force_login(user)
    return made


def shown(client: Client, **query: str) -> list[str]:
    return [receipt.merchant for receipt in client.get("/inbox/", query).context["shown"].receipts]


def test_tabs_and_filters_show_what_they_say(member, user) -> None:
    read_receipt(user, merchant="Read", category="groceries")
    receipt(user, state=State.NEEDS_REVIEW, merchant="Doubtful", purchased_on="2026-01-02")
    read_receipt(user, merchant="Twice", duplicate=Duplicate.SUSPECTED, purchased_on="2026-01-03")
    receipt(user, state=State.EXTRACTING, merchant="Under way")
    receipt(user, state=State.FAILED, merchant="Failed")
    receipt(user, state=State.REJECTED, merchant="Refused")
    assert len(shown(member)) == 6
    assert shown(member, show="review") == ["Twice", "Doubtful"]
    assert shown(member, show="busy") == ["Under way"]
    assert shown(member, show="failed") == ["Refused", "Failed"]
    assert shown(member, category="groceries") == ["Read"]
    assert shown(member, since="2026-01-01", until="2026-01-02") == ["Doubtful"]
    assert member.get("/inbox/").context["to_check"] == 2


def test_the_list_goes_on_in_pages_that_keep_the_filter(member, user) -> None:
    for number in range(23):
        read_receipt(user, merchant=f"Shop {number}", category="home")
    read_receipt(user, merchant="Other")
    first = member.get("/inbox/", {"category": "home"})
    assert first.context["shown"].older.startswith("?")
    second = member.get(f"/inbox/{first.context['shown'].older}")
    assert [receipt.merchant for receipt in second.context["shown"].receipts] == ["Shop 2", "Shop 1", "Shop 0"]
    assert shown(member, category="home") == [f"Shop {number}" for number in range(22, 2, -1)]


def test_a_search_looks_into_what_was_printed(member, user) -> None:
    made = read_receipt(user, merchant="Diner", text="Club Sandwich $13.50")
    read_receipt(user, merchant="Other")
    assert shown(member, q="sandwich") == ["Diner"]
    assert b"<mark>Sandwich</mark>" in member.get("/inbox/", {"q": "sandwich"}).content
    assert shown(member, q="nothing like it") == []
    assert str(made.id) in member.get("/inbox/", {"q": "dinerr"}).content.decode()


def test_a_failed_one_says_why(member, user) -> None:
    receipt(user, state=State.REJECTED, reason="This is an animated picture.")
    assert b"This is an animated picture." in member.get("/inbox/").content


def test_a_failed_one_can_be_read_again_at_once(member, user) -> None:
    made = receipt(user, state=State.FAILED, attempts=6, body=png())
    assert f"/inbox/{made.id}/retry/" in member.get("/inbox/").content.decode()


@pytest.mark.parametrize("reason", ["budget", "breaker_open", "unavailable"])
def test_an_outage_of_the_better_reader_is_told_while_it_lasts(member, user, reason: str) -> None:
    made = read_receipt(user, fallback=reason)
    assert b"our simpler" in member.get("/inbox/").content.lower()
    Receipt.objects.filter(id=made.id).update(state_changed_at=made.state_changed_at - timedelta(hours=2))
    assert b"our simpler" not in member.get("/inbox/").content.lower()


def test_a_bulk_upload_shows_how_far_it_is_until_it_is_done(member, user) -> None:
    bulk = BulkUpload.objects.create(user=user)
    read_receipt(user, bulk_upload=bulk)
    waiting = receipt(user, bulk_upload=bulk, state=State.NEEDS_REVIEW)
    Receipt.objects.filter(id=waiting.id).update(state=State.BATCHED)
    assert b"1 of 2 read" in member.get("/inbox/").content
    Receipt.objects.filter(id=waiting.id).update(state=State.FAILED)
    assert b"of 2 read" not in member.get("/inbox/").content


def test_progress_is_told_in_words(member, user) -> None:
    made = read_receipt(user)
    told = member.get("/inbox/progress/", {"id": [str(made.id)]}).json()["receipts"]
    assert told == [
        {
            "id": str(made.id),
            "final": True,
            "state": "Done",
            "kind": "good",
            "reason": "",
            "merchant": "Lidl",
            "date": "5 Mar 2026",
            "total": "10.00\u00a0EUR",
            "thumbnail": None,
            "url": f"/inbox/{made.id}/",
        }
    ]


def test_the_export_holds_what_the_filter_shows(member, user) -> None:
    read_receipt(user, merchant="Lidl", category="home")
    read_receipt(user, merchant="Other")
    answer = member.get("/inbox/export.csv", {"category": "home"})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="receipts.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert [row["merchant"] for row in rows] == ["Lidl"]


def announced(client: Client, **changes: object) -> dict:
    image = {"file_name": "one.png", "content_type": "image/png", "size": len(png())}
    answer = client.post("/upload/announce/", image | changes, content_type="application/json")
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_an_announced_picture_is_uploaded_and_queued(member) -> None:
    made = announced(member)
    complete = f"/upload/{made['id']}/complete/"
    assert member.post(complete).status_code == 409
    form = made["upload"]
    assert httpx2.post(form["url"], data=form["fields"], files={"file": png()}, trust_env=False).is_success
    assert member.post(complete).status_code == 202
    assert member.post(complete).status_code == 202
    found = Receipt.objects.get()
    assert (found.state, found.file_name) == (State.QUEUED, "one.png")


@pytest.mark.parametrize(
    "changes",
    [{"content_type": "image/svg+xml"}, {"size": 0}, {"size": 10**9}, {"bulk_upload": "no"}, {"bulk_upload": 7}],
)
def test_what_may_not_come_is_refused_with_a_reason(member, changes: dict[str, object]) -> None:
    image = {"content_type": "image/png", "size": 10} | changes
    answer = member.post("/upload/announce/", image, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_many_belong_to_one_bulk_upload_of_ones_own(member, user, make_user) -> None:
    bulk = member.post("/upload/announce-many/").json()["id"]
    announced(member, bulk_upload=bulk)
    assert str(Receipt.objects.get().bulk_upload_id) == bulk
    theirs = BulkUpload.objects.create(user=make_user("other@example.com"))
    image = {"content_type": "image/png", "size": 10, "bulk_upload": str(theirs.id)}
    assert member.post("/upload/announce/", image, content_type="application/json").status_code == 404


def test_thumbnails_come_from_the_bucket(member, user) -> None:
    from django.utils import timezone

    from receipts import pictures

    made = read_receipt(user, pictures_at=timezone.now())
    boto3.client("s3").put_object(Bucket="receipts", Key=pictures.thumbnail_key(made), Body=b"a picture")
    receipts = member.get("/inbox/").context["shown"].receipts
    assert httpx2.get(receipts[0].thumbnail, trust_env=False).content == b"a picture"
