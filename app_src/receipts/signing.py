"""Addresses of pictures that end after minutes: through CloudFront where it knows our key, else straight from S3.

docs/adr/0011-signed-image-urls.md says why thumbnails share a signature and photographs do not.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache

from botocore.exceptions import BotoCoreError
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from django.conf import settings

from receipts import pictures, storage
from receipts.models import Receipt

LIFETIME = 600
"""Seconds for which an address holds at least."""

STEP = 300
"""Ends are rounded up to this: until then an address stays the same, and browsers find the picture in their cache."""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """None until a worker has made the pictures."""

    thumbnail: str | None
    photo: str | None
    expires_at: datetime | None


def addresses(receipt: Receipt) -> Addresses:
    """Raises StorageUnavailableError when there are no credentials to sign with."""
    if receipt.pictures_at is None:
        return Addresses(thumbnail=None, photo=None, expires_at=None)
    ends = _end()
    return Addresses(
        thumbnail=_thumbnail(receipt, ends),
        photo=_photo(receipt, ends),
        expires_at=datetime.fromtimestamp(ends, UTC),
    )


def thumbnail(receipt: Receipt) -> str | None:
    """The thumbnail's address alone, for lists: a page of them costs one signature. Raises as `addresses` does."""
    return _thumbnail(receipt, _end()) if receipt.pictures_at else None


def origin() -> str:
    """Where pictures come from: what a page's Content-Security-Policy has to allow."""
    return f"https://{settings.IMAGE_DOMAIN}" if settings.IMAGE_DOMAIN else storage.origin()


def _end() -> int:
    return (int(time.time()) // STEP + 1) * STEP + LIFETIME


def _thumbnail(receipt: Receipt, ends: int) -> str:
    key = storage.object_key(pictures.thumbnail_key(receipt))
    if not settings.IMAGE_DOMAIN:
        return _from_s3(key, ends)
    folder, _, name = key.rpartition("/")
    return f"https://{settings.IMAGE_DOMAIN}/{folder}/{name}?{_signature_for(folder, ends)}"


def _photo(receipt: Receipt, ends: int) -> str:
    key = storage.object_key(pictures.photo_key(receipt))
    return _from_cloudfront(key, ends) if settings.IMAGE_DOMAIN else _from_s3(key, ends)


@lru_cache(maxsize=4096)
def _signature_for(folder: str, ends: int) -> str:
    """The query that opens everything in one folder. Only a pattern's end may be open: `*` fits a query, too, and with
    an open middle `…/original?/thumbnail.jpg` would fit."""
    url = f"https://{settings.IMAGE_DOMAIN}/{folder}/"
    policy = _signer().build_policy(f"{url}*", datetime.fromtimestamp(ends, UTC))
    return str(_signer().generate_presigned_url(url, policy=policy)).partition("?")[2]


@lru_cache(maxsize=4096)
def _from_cloudfront(key: str, ends: int) -> str:
    url = f"https://{settings.IMAGE_DOMAIN}/{key}"
    return str(_signer().generate_presigned_url(url, date_less_than=datetime.fromtimestamp(ends, UTC)))


@lru_cache(maxsize=4096)
def _from_s3(key: str, ends: int) -> str:
    try:
        return str(
            storage.client().generate_presigned_url(
                "get_object",
                Params={"Bucket": settings.RECEIPTS_BUCKET, "Key": key},
                ExpiresIn=ends - int(time.time()),
            )
        )
    except BotoCoreError as error:  # signing is local, but the role's credentials are fetched
        raise storage.StorageUnavailableError(str(error)) from error


@cache
def _signer() -> CloudFrontSigner:
    key = settings.IMAGE_SIGNING_KEY

    def sign(message: bytes) -> bytes:
        # CloudFront reads signatures as made with SHA-1 unless told otherwise:
        # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(message, ec.ECDSA(hashes.SHA1()))  # noqa: S303
        assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101  (the settings take no other)
        return key.sign(message, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303

    return CloudFrontSigner(settings.IMAGE_KEY_PAIR_ID, sign)
