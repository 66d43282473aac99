"""Thumbnail and copy of a photograph: what people see of a receipt, without what the camera wrote beside it."""

from __future__ import annotations

import io
import threading

import boto3
import pytest
from django.db import connection
from django.test import Client
from PIL import Image, ImageDraw
from support import receipt

from extraction.images import open_photo
from receipts import pictures, reading, storage
from receipts.models import Receipt
from receipts.states import State

URL = "/api/v1/receipts/"
pytestmark = pytest.mark.usefixtures("bucket")


def photograph(width: int = 1200, height: int = 1600, *, orientation: int = 1) -> bytes:
    """A JPEG as phones make it: with the place where it was taken, in EXIF and in XMP, and a comment."""
    picture = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(picture).text((100, 100), "LIDL", fill="black", font_size=200)
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif, xmp=b"<x:xmpmeta>52.31N", comment=b"at home, 52.31N", icc_profile=bytes(200))
    return out.getvalue()


def stored(key: str) -> dict:
    return boto3.client("s3").get_object(Bucket="receipts", Key=key)


def keys() -> set[str]:
    return {each["Key"] for each in boto3.client("s3").list_objects_v2(Bucket="receipts").get("Contents", [])}


@pytest.fixture(autouse=True)
def _empty_bucket(bucket: str) -> None:
    for key in keys():
        boto3.client("s3").delete_object(Bucket="receipts", Key=key)


def kept(user, body: bytes | None = None, **fields) -> Receipt:
    made = receipt(user, body=body or photograph(), **fields)
    pictures.keep(made, open_photo(body or photograph()), content_sha256="a" * 64)
    return made


def test_thumbnail_and_photo_are_upright_and_say_nothing_else(user) -> None:
    made = kept(user, photograph(orientation=6))
    for key, size in ((pictures.thumbnail_key(made), (320, 240)), (pictures.photo_key(made), (1600, 1200))):
        body = stored(key)["Body"].read()
        with Image.open(io.BytesIO(body)) as picture:
            assert (picture.format, picture.size) == ("JPEG", size)
            assert not picture.getexif()
            assert set(picture.info) <= {
                "jfif",
                "jfif_version",
                "jfif_unit",
                "jfif_density",
                "progressive",
                "progression",
            }
        assert b"52.31N" not in body and b"Exif" not in body and b"ICC" not in body


def test_they_are_encrypted_under_our_key_and_may_be_cached(user, settings) -> None:
    made = kept(user)
    for key in (pictures.thumbnail_key(made), pictures.photo_key(made)):
        found = stored(key)
        assert (found["ContentType"], found["CacheControl"]) == ("image/jpeg", "max-age=86400, immutable")
        assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", settings.RECEIPTS_KMS_KEY_ID)


def test_the_original_is_left_as_it_came(user) -> None:
    body = photograph()
    made = kept(user, body)
    assert stored(made.key)["Body"].read() == body


def test_the_receipt_knows_its_pictures(user) -> None:
    made = kept(user)
    row = Receipt.objects.get()
    assert (row.width, row.height, len(row.fingerprint)) == (1200, 1600, 64)
    assert row.pictures_at == made.pictures_at is not None


def test_a_huge_photograph_is_shown_smaller(user) -> None:
    made = receipt(user)
    pictures.keep(made, Image.new("RGB", (8000, 6000), "white"), content_sha256="a" * 64)
    assert (made.width, made.height) == (4096, 3072)


def test_keeping_twice_stores_once(user) -> None:
    made = kept(user)
    boto3.client("s3").delete_object(Bucket="receipts", Key=pictures.photo_key(made))
    pictures.keep(made, open_photo(photograph()), content_sha256="a" * 64)
    assert pictures.photo_key(made) not in keys()


def test_a_store_that_fails_leaves_the_receipt_to_the_next_attempt(user, settings) -> None:
    made = receipt(user, body=photograph())
    settings.RECEIPTS_BUCKET = "not-there"
    with pytest.raises(storage.StorageUnavailableError):
        pictures.keep(made, open_photo(photograph()), content_sha256="a" * 64)
    assert Receipt.objects.get().pictures_at is None


def test_reading_makes_the_pictures_first(user) -> None:
    made = receipt(user, body=photograph())
    assert reading.process(made.id) in {State.NEEDS_REVIEW, State.EXTRACTED, State.FAILED}
    assert {pictures.thumbnail_key(made), pictures.photo_key(made)} <= keys()


def test_a_rejected_upload_gets_none(user) -> None:
    made = receipt(user, body=b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert reading.process(made.id) == State.REJECTED
    assert keys() == {made.key}


def test_deleting_a_receipt_deletes_everything_of_it(api, user) -> None:
    made, other = kept(user, state=State.FAILED), kept(user, state=State.FAILED)
    assert api.delete(f"{URL}{made.id}/").status_code == 204
    assert keys() == {other.key, pictures.thumbnail_key(other), pictures.photo_key(other)}


def test_deleting_it_a_second_time_does_no_harm(user) -> None:
    made = kept(user, state=State.FAILED)
    pictures.delete(made)
    pictures.delete(made)
    assert not Receipt.objects.exists()


@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
def test_a_receipt_deleted_in_the_admin_leaves_neither_pictures_nor_duplicates_of_nothing(
    user, make_user, several: bool
) -> None:
    made = kept(user, state=State.FAILED)
    copy = receipt(user, state=State.FAILED, duplicate_of=made, duplicate="confirmed")
    pages = Client()
    root = make_user("root@example.com")
    root.is_staff = root.is_superuser = True
    root.save()
    pages.force_login(root)
    if several:
        form = {"action": "delete_selected", "_selected_action": [str(made.id)], "post": "yes"}
        answer = pages.post("/admin/receipts/receipt/", form)
    else:
        answer = pages.post(f"/admin/receipts/receipt/{made.id}/delete/", {"post": "yes"})
    assert answer.status_code == 302
    assert keys() == set()
    copy.refresh_from_db()
    assert (copy.duplicate, copy.duplicate_of) == ("", None)


def test_a_store_that_fails_deletes_nothing(api, user, settings) -> None:
    made = kept(user, state=State.FAILED)
    settings.RECEIPTS_BUCKET = "not-there"
    assert api.delete(f"{URL}{made.id}/").status_code == 503
    assert Receipt.objects.filter(id=made.id).exists()


@pytest.mark.django_db(transaction=True)
def test_pictures_made_while_the_receipt_is_deleted_do_not_stay(user, monkeypatch) -> None:
    """The worker stores its pictures after the deletion looked for them, and before it is committed."""
    made = receipt(user, body=photograph())
    photo = open_photo(photograph())

    def work() -> None:
        pictures.keep(made, photo, content_sha256="a" * 64)
        connection.close()

    worker = threading.Thread(target=work)
    delete_objects = pictures.delete_objects

    def slowly(gone: Receipt) -> None:
        delete_objects(gone)
        if threading.current_thread() is not worker:
            worker.start()
            while pictures.thumbnail_key(made) not in keys():
                pass
            worker.join(1)  # it must be waiting for the row

    monkeypatch.setattr(pictures, "delete_objects", slowly)
    pictures.delete(made)
    worker.join(30)
    assert keys() == set()


def test_the_original_is_a_download_for_its_owner(api, api_of, make_user, user) -> None:
    body = photograph()
    made = kept(user, body, state=State.EXTRACTED, total="1.00")
    answer = api.get(f"{URL}{made.id}/original/")
    assert b"".join(answer.streaming_content) == body
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment;")
    assert answer["X-Content-Type-Options"] == "nosniff"
    stranger = api_of(make_user("stranger@example.com"))
    assert stranger.get(f"{URL}{made.id}/original/").status_code == 404


@pytest.mark.parametrize(("state", "code"), [(State.AWAITING_UPLOAD, 409), (State.REJECTED, 409), (State.FAILED, 404)])
def test_what_was_never_a_picture_is_not_given_out(api, user, state: State, code: int) -> None:
    assert api.get(f"{URL}{receipt(user, state=state).id}/original/").status_code == code
