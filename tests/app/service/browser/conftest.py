"""A browser and a live server on loopback, and a reader in place of a worker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import chromium
import pytest
from receipt_images import DINER_US, draw


@pytest.fixture
def browser(live_server: Any, tmp_path: Path) -> Iterator[chromium.Browser]:
    made = chromium.start(base=live_server.url, profile=tmp_path / "profile")
    try:
        yield made
        # Whatever a test was about: nothing was asked of anybody else, and nothing was forbidden.
        hosts = {urlsplit(url).hostname for url in made.asked() if url.startswith("http")}
        assert hosts <= {"localhost", "127.0.0.1"}
        assert made.complaints() == []
    finally:
        made.quit()


@pytest.fixture
def uploads(bucket: str, live_server: Any) -> None:
    """Lets the live server's pages send to the bucket, as the stacks let the configured origins."""
    rule = {"AllowedMethods": ["POST"], "AllowedOrigins": [live_server.url], "AllowedHeaders": ["*"]}
    boto3.client("s3").put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})


@pytest.fixture
def reader(live_server: Any) -> Iterator[None]:
    """Reads whatever is queued, as a worker does."""
    from django.db import connection

    from receipts import reading
    from receipts.models import Receipt
    from receipts.states import State

    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.2):
            for receipt_id in Receipt.objects.filter(state=State.QUEUED).values_list("id", flat=True):
                reading.process(receipt_id)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()


@pytest.fixture
def ann(make_user: Callable[..., Any]) -> Any:
    return make_user("ann@example.com", chromium.PASSWORD)


@pytest.fixture
def pictured(bucket: str, ann: Any) -> Callable[..., Any]:
    """A receipt of Ann's with its pictures, doubtful unless told otherwise."""
    from receipts import pictures
    from receipts.models import Receipt
    from receipts.states import State

    def make(**fields: Any) -> Receipt:
        defaults = {
            "state": State.NEEDS_REVIEW,
            "content_type": "image/png",
            "size": 1,
            "merchant": "Harbor Street Diner",
            "currency": "USD",
            "total": "31.18",
            "tax": "2.43",
            "category": "restaurants",
            "text": "Club Sandwich",
            "confidence": {"tax": 0.2},
            "review_reasons": ["The date was not found."],
            "boxes": {"merchant": [0.05, 0.04, 0.7, 0.09], "total": [0.05, 0.76, 0.95, 0.81]},
        }
        made = Receipt.objects.create(user=ann, **(defaults | fields))
        made.items.create(position=0, description="Club Sandwich", price="13.50", box=[0.05, 0.43, 0.95, 0.47])
        pictures.keep(made, draw(DINER_US), content_sha256="a" * 64)
        return made

    return make
