"""A server that speaks OpenAI's protocol, and receipts that wait for a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from localcloud.openai_server import Batches, OpenAIServer, serve


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with serve() as started:
        yield started


@pytest.fixture
def remote(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> Batches:
    from django.conf import settings

    from batches import collection, submission

    monkeypatch.setattr(settings, "EXTRACTION_ENGINE", "openai")
    monkeypatch.setattr(settings, "OPENAI_API_KEY", "sk-test")
    monkeypatch.setattr(settings, "OPENAI_BASE_URL", server.url)
    monkeypatch.setattr(submission, "GATHER", timedelta(0))
    monkeypatch.setattr(collection, "POLL", timedelta(0))
    return Batches(server)


@pytest.fixture
def waiting(user: Any) -> Callable[..., list[Any]]:
    """Receipts that came in bulk and wait for a batch."""
    from batch_support import picture
    from support import receipt

    from batches import items
    from receipts.models import BulkUpload
    from receipts.readings import digest_of
    from receipts.states import State

    bulk = BulkUpload.objects.create(user=user)

    def make(*numbers: int) -> list[Any]:
        made = []
        for number in numbers:
            body = picture(number)
            one = receipt(user, state=State.EXTRACTING, body=body, bulk_upload=bulk, attempts=1)
            assert items.wanted(one, digest_of(body))
            assert items.hand_over(one, digest_of(body))
            made.append(one)
        return made

    return make
