"""The presigned form: S3 itself refuses whatever was not announced."""

from __future__ import annotations

import urllib.error
import urllib.request
import uuid

import boto3
import pytest
from support import png

from receipts import storage

BODY = png()
KEY = "receipts/user/receipt"


def post(form: storage.UploadForm, body: bytes = BODY, **changes: str) -> int:
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in {**form.fields, **changes}.items()
    ]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        + body
        + f"\r\n--{boundary}--\r\n".encode()
    )
    request = urllib.request.Request(  # noqa: S310
        form.url, b"".join(parts), {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture
def form(bucket: str) -> storage.UploadForm:
    return storage.upload_form(key=KEY, content_type="image/png", size=len(BODY))


def test_what_was_announced_is_stored_encrypted_under_our_key(form, settings) -> None:
    assert post(form) in {200, 201, 204}
    stored = boto3.client("s3").head_object(Bucket="receipts", Key=KEY)
    assert (stored["ContentType"], stored["ContentLength"]) == ("image/png", len(BODY))
    assert stored["ServerSideEncryption"] == "aws:kms"
    assert stored["SSEKMSKeyId"] == settings.RECEIPTS_KMS_KEY_ID


@pytest.mark.parametrize(
    "change",
    [
        {"key": "receipts/user/another"},
        {"Content-Type": "text/html"},
        {"x-amz-server-side-encryption": "AES256"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_field_is_refused(form, change: dict[str, str]) -> None:
    assert post(form, **change) == 403


@pytest.mark.parametrize("body", [BODY + b"!", BODY[:-1], b""], ids=["longer", "shorter", "empty"])
def test_another_size_is_refused(form, body: bytes) -> None:
    assert post(form, body) == 400


def test_an_expired_form_is_refused(bucket, settings) -> None:
    settings.UPLOAD_EXPIRY_SECONDS = -5
    assert post(storage.upload_form(key=KEY, content_type="image/png", size=len(BODY))) == 403
