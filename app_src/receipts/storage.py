"""The bucket of images: uploads go there straight from the browser, by a form that we sign."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from spendsmart import aws


class StorageUnavailableError(Exception):
    """S3 or KMS did not do what was asked, and may later."""


class ObjectMissingError(Exception):
    """There is no such object."""


@dataclass(frozen=True, kw_only=True)
class UploadForm:
    """Where to POST a multipart form: `fields` first, then the image as `file`."""

    url: str
    fields: dict[str, str]
    expires_in: int


@cache
def client() -> Any:
    config = Config(
        signature_version="s3v4",
        # Otherwise forms name the global endpoint, which redirects for buckets of other regions: a lost upload.
        s3={"addressing_style": "virtual"},
        connect_timeout=5,
        read_timeout=20,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    return aws.client("s3", config=config)


@cache
def origin() -> str:
    """Scheme and host of the bucket, for policies that say where a page may load from or send to. Asks nobody."""
    unsigned = aws.client("s3", config=Config(signature_version=UNSIGNED, s3={"addressing_style": "virtual"}))
    url = unsigned.generate_presigned_url("get_object", Params={"Bucket": settings.RECEIPTS_BUCKET, "Key": "-"})
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def object_key(key: str) -> str:
    """The whole key in the bucket of what the application knows as `key`."""
    return f"{settings.OBJECT_PREFIX}{key}"


def upload_form(*, key: str, content_type: str, size: int) -> UploadForm:
    """A form that stores exactly one object: this key, this type, this many bytes, until it expires.

    The conditions are in the signed policy, so S3 refuses any other upload:
    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
    Raises StorageUnavailableError.
    """
    fields = {
        "Content-Type": content_type,
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": settings.RECEIPTS_KMS_KEY_ID,
    }
    try:
        made = client().generate_presigned_post(
            settings.RECEIPTS_BUCKET,
            object_key(key),
            Fields=fields,
            Conditions=[*({name: value} for name, value in fields.items()), ["content-length-range", size, size]],
            ExpiresIn=settings.UPLOAD_EXPIRY_SECONDS,
        )
    except BotoCoreError as error:  # signing is local, but the role's credentials are fetched
        raise StorageUnavailableError(str(error)) from error
    return UploadForm(url=made["url"], fields=made["fields"], expires_in=settings.UPLOAD_EXPIRY_SECONDS)


def exists(key: str) -> bool:
    """Whether the object is there. Raises StorageUnavailableError, for a refused permission too.

    Our tasks may list the bucket, so that S3 answers 404 for what is missing and 403 only for what is forbidden:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    """
    try:
        client().head_object(Bucket=settings.RECEIPTS_BUCKET, Key=object_key(key))
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return False
        raise StorageUnavailableError(str(error)) from error
    except BotoCoreError as error:
        raise StorageUnavailableError(str(error)) from error
    return True


def read(key: str) -> bytes:
    """The object's bytes, at most UPLOAD_MAX_BYTES and one of them.

    Raises ObjectMissingError, or StorageUnavailableError for anything else, a refused permission for S3 or KMS
    included: that may have been put right when we ask again.
    """
    with _faults(key):
        answer = client().get_object(Bucket=settings.RECEIPTS_BUCKET, Key=object_key(key))
        body: bytes = answer["Body"].read(settings.UPLOAD_MAX_BYTES + 1)
    return body


def chunks(key: str, *, size: int = 65_536) -> Iterator[bytes]:
    """The object in pieces of `size` bytes, asked for before the first one is. Raises as `read` does."""
    with _faults(key):
        body = client().get_object(Bucket=settings.RECEIPTS_BUCKET, Key=object_key(key))["Body"]
    pieces: Iterator[bytes] = body.iter_chunks(size)
    return pieces


def write(key: str, body: bytes, *, content_type: str, cache_control: str) -> None:
    """Store an object under the bucket's key, in the place of an earlier one. Raises StorageUnavailableError."""
    with _faults(key):
        client().put_object(
            Bucket=settings.RECEIPTS_BUCKET,
            Key=object_key(key),
            Body=body,
            ContentType=content_type,
            CacheControl=cache_control,
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=settings.RECEIPTS_KMS_KEY_ID,
        )


def delete(key: str) -> None:
    """Delete the object; its earlier versions go with the bucket's lifecycle. Raises StorageUnavailableError."""
    with _faults(key):
        client().delete_object(Bucket=settings.RECEIPTS_BUCKET, Key=object_key(key))


@contextmanager
def _faults(key: str) -> Iterator[None]:
    """What boto3 raises, as our own errors."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            raise ObjectMissingError(key) from error
        raise StorageUnavailableError(str(error)) from error
    except BotoCoreError as error:
        raise StorageUnavailableError(str(error)) from error
