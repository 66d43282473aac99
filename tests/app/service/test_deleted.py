"""What a deleted receipt leaves behind is deleted, too: later uploads, and what was read on its image."""

from __future__ import annotations

from datetime import timedelta

import boto3
import pytest
from django.utils import timezone
from support import png, read_receipt, receipt
from test_uploads import post

from openai_gateway import ledger
from openai_gateway.models import Call, CallState, Purpose
from receipts import deleted, pictures, reading, readings, storage, tasks
from receipts.models import DeletedReceipt, Reading, Receipt
from receipts.states import State

pytestmark = pytest.mark.usefixtures("bucket")
DIGEST = "d" * 64


def keys(made: Receipt) -> set[str]:
    found = boto3.client("s3").list_objects_v2(Bucket="receipts", Prefix=f"receipts/{made.user_id}/")
    return {each["Key"] for each in found.get("Contents", [])}


def pass_the_time() -> None:
    DeletedReceipt.objects.update(due_at=timezone.now() - timedelta(seconds=1))


def call(state: CallState) -> Call:
    asked = ledger.Request(content_sha256=DIGEST, model="gpt-6-luna", purpose=Purpose.READ, input_tokens=1,
                           output_tokens=1, receipt_id=None, user_id=None)  # fmt: skip
    made = ledger.open_call(asked)
    Call.objects.filter(id=made.id).update(state=state)
    return made


def test_what_arrives_by_the_form_of_a_deleted_receipt_is_deleted(api, user) -> None:
    body = png()
    announced = api.post("/api/v1/receipts/", {"content_type": "image/png", "size": len(body)}, format="json").json()
    made = Receipt.objects.get(id=announced["id"])
    form = storage.upload_form(key=made.key, content_type="image/png", size=len(body))
    assert api.delete(f"/api/v1/receipts/{made.id}/").status_code == 204
    assert post(form, body) in {200, 201, 204}
    assert tasks.sweep_deleted() == 0  # the form is still good
    assert keys(made) == {made.key}
    pass_the_time()
    assert tasks.sweep_deleted() == 1
    assert keys(made) == set()
    assert tasks.sweep_deleted() == 0


def test_it_waits_until_the_form_has_expired(user, settings) -> None:
    made = receipt(user)
    before = timezone.now()
    pictures.delete(made)
    due = DeletedReceipt.objects.get(receipt_id=made.id).due_at
    assert due > before + timedelta(seconds=settings.UPLOAD_EXPIRY_SECONDS)


def test_the_pictures_of_a_person_who_was_deleted_go(user) -> None:
    made = receipt(user, body=png())
    reading.process(made.id)
    assert len(keys(made)) == 3
    user.delete()
    pass_the_time()
    tasks.sweep_deleted()
    assert keys(made) == set()


def test_what_was_read_goes_with_the_last_receipt_that_has_the_image(user, make_user) -> None:
    first = read_receipt(user, content_sha256=DIGEST)
    second = read_receipt(make_user("other@example.com"), content_sha256=DIGEST)
    readings.keep(DIGEST, {"total": "1.00"}, engine="local")
    readings.keep("e" * 64, {"total": "2.00"}, engine="local")
    for made, left in ((first, 2), (second, 1)):
        pictures.delete(made)
        assert Reading.objects.filter(content_sha256=DIGEST).exists()
        pass_the_time()
        tasks.sweep_deleted()
        assert Reading.objects.count() == left
    assert Reading.objects.get().content_sha256 == "e" * 64


def test_a_receipt_that_could_not_be_read_leaves_no_text_behind(user, monkeypatch) -> None:
    def fails(_page: object) -> None:
        raise ValueError("a parser that fails")

    monkeypatch.setattr(reading, "read_page", fails)
    made = receipt(user, body=png())
    reading.process(made.id)
    assert Reading.objects.get().engine == readings.PAGE
    made.refresh_from_db()
    pictures.delete(made)
    pass_the_time()
    tasks.sweep_deleted()
    assert not Reading.objects.exists()


def test_a_receipt_that_was_deleted_while_it_was_read_leaves_no_text_behind(user, monkeypatch) -> None:
    made = receipt(user, body=png())
    read = storage.read

    def deleted_meanwhile(key: str) -> bytes:
        image = read(key)
        pictures.delete(made)
        return image

    monkeypatch.setattr(storage, "read", deleted_meanwhile)
    reading.process(made.id)
    assert Reading.objects.exists()
    pass_the_time()
    tasks.sweep_deleted()
    assert not Reading.objects.exists()


def test_an_image_that_comes_again_is_asked_for_again(user) -> None:
    made = read_receipt(user, content_sha256=DIGEST)
    readings.keep(DIGEST, {"total": "1.00"}, engine="openai")
    call(CallState.BILLED)
    pictures.delete(made)
    assert ledger.standing_call(DIGEST)
    pass_the_time()
    tasks.sweep_deleted()
    assert ledger.standing_call(DIGEST) is None
    assert Call.objects.get().state == CallState.BILLED


def test_what_openai_is_being_asked_for_waits(user) -> None:
    made = read_receipt(user, content_sha256=DIGEST)
    sent = call(CallState.SENT)
    pictures.delete(made)
    pass_the_time()
    tasks.sweep_deleted()
    assert DeletedReceipt.objects.get().due_at > timezone.now() + deleted.AGAIN - timedelta(minutes=1)
    readings.keep(DIGEST, {"total": "1.00"}, engine="openai")
    Call.objects.filter(id=sent.id).update(state=CallState.BILLED)
    pass_the_time()
    tasks.sweep_deleted()
    assert not Reading.objects.exists()
    assert not DeletedReceipt.objects.exists()


def test_a_store_that_does_not_answer_is_asked_again(user, settings) -> None:
    made = receipt(user, state=State.FAILED)
    pictures.delete(made)
    pass_the_time()
    settings.RECEIPTS_BUCKET = "not there"
    tasks.sweep_deleted()
    assert DeletedReceipt.objects.get().due_at > timezone.now()
