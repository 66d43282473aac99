"""Other addresses that our pages send images to or show them from: they stand in the Content-Security-Policy."""

from __future__ import annotations

from functools import cache
from urllib.parse import urlsplit

from receipts import storage


@cache
def bucket_origin() -> str:
    """Where upload forms are sent. Raises StorageUnavailableError."""
    return origin(storage.upload_form(key="-", content_type="image/png", size=1).url)


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
