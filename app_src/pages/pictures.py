"""Addresses of a receipt's pictures."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError
from django.conf import settings

from receipts import storage
from receipts.models import Receipt

SECONDS = 600
"""How long an address of a picture is good for."""


def original(receipt: Receipt) -> str:
    """The picture as uploaded. Raises StorageUnavailableError."""
    try:
        return str(
            storage.client().generate_presigned_url(
                "get_object", Params={"Bucket": settings.RECEIPTS_BUCKET, "Key": receipt.key}, ExpiresIn=SECONDS
            )
        )
    except BotoCoreError as error:
        raise storage.StorageUnavailableError(str(error)) from error
