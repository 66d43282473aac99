"""Receipts and images for the tests."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import boto3
from PIL import Image

from extraction.page import Page, Word
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


def written(rows: Sequence[tuple[str, str]]) -> Page:
    """A page as the recognizer gives it, with these texts at the left and at the right."""

    def word(text: str, left: float, top: float) -> Word:
        right = left + 12.0 * len(text)
        return Word(text=text, corners=((left, top), (right, top), (right, top + 24), (left, top + 24)), score=0.98)

    words = [
        word(text, left, 40.0 + 40 * number)
        for number, row in enumerate(rows)
        for text, left in zip(row, (40.0, 600.0), strict=True)
        if text
    ]
    return Page(words=tuple(words), width=800, height=80 + 40 * len(rows))
