"""Receipts and images for the tests."""

from __future__ import annotations

import io
from typing import Any

import boto3
from PIL import Image

from receipts.models import Receipt
from receipts.states import State


def png(width: int = 60, height: int = 80, colour: int = 200) -> bytes:
    out = io.BytesIO()
    Image.new("L", (width, height), colour).save(out, "PNG")
    return out.getvalue()


def receipt(user: Any, *, state: State = State.QUEUED, body: bytes | None = None, **fields: Any) -> Receipt:
    """A receipt in some state; with `body`, its image is in the bucket."""
    made = Receipt.objects.create(user=user, state=state, content_type="image/png", size=len(body or b"-"), **fields)
    if body is not None:
        boto3.client("s3").put_object(Bucket="receipts", Key=made.key, Body=body)
    return made


def read_receipt(user: Any, **fields: Any) -> Receipt:
    """A receipt that was read."""
    defaults = {"merchant": "Lidl", "currency": "EUR", "total": "10.00", "purchased_on": "2026-03-05"}
    return receipt(user, state=State.EXTRACTED, **(defaults | fields))
