"""What was made of each image is kept by its bytes: an image that comes twice is not read, or billed, a second time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from opentelemetry import trace
from PIL import Image

from extraction import NotYetError, apart, local
from extraction.page import Page
from receipts.models import Reading

CLAIM = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT + 10)
"""No task lives this long: an older claim belongs to a dead one."""

BUSY_SECONDS = 10.0
_tracer = trace.get_tracer("spendsmart.reading")
PAGE = "page"
"""Recognized text is kept under this name, beside what the engines made of it."""


def digest_of(image: bytes) -> str:
    """What identifies an image: its bytes, never its looks."""
    return hashlib.sha256(image).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to read one image, until CLAIM is over. `since` is its token: who comes late changes nothing."""

    content_sha256: str
    engine: str
    since: datetime

    def keep(self, extraction: dict[str, Any]) -> None:
        """Keep what was read, instead of what was kept before under this claim."""
        self._row().update(extraction=extraction)

    def release(self) -> None:
        """Let another read the image, unless something was kept."""
        self._row().filter(extraction__isnull=True).delete()

    def _row(self) -> QuerySet[Reading]:
        return Reading.objects.filter(content_sha256=self.content_sha256, engine=self.engine, claimed_at=self.since)


def kept(content_sha256: str, *, engine: str) -> dict[str, Any] | None:
    """What is kept of this image."""
    found = Reading.objects.filter(content_sha256=content_sha256, engine=engine).values_list("extraction", flat=True)
    return found.first()


def keep(content_sha256: str, extraction: dict[str, Any], *, engine: str) -> None:
    """Keep what was read of this image without a claim on it, instead of whatever was kept before."""
    Reading.objects.update_or_create(content_sha256=content_sha256, engine=engine, defaults={"extraction": extraction})


@contextmanager
def claimed(content_sha256: str, *, engine: str) -> Iterator[Claim]:
    """Nobody else reads this image meanwhile. Raises NotYetError while somebody else does, or just did."""
    now = timezone.now()
    reading, mine = Reading.objects.get_or_create(
        content_sha256=content_sha256, engine=engine, defaults={"claimed_at": now}
    )
    if not mine:
        dead = Reading.objects.filter(id=reading.id, extraction__isnull=True, claimed_at__lt=now - CLAIM)
        if not dead.update(claimed_at=now):
            raise NotYetError("The same image is being read.", retry_after=BUSY_SECONDS)
    claim = Claim(content_sha256=content_sha256, engine=engine, since=now)
    try:
        yield claim
    finally:
        claim.release()


def recognize(photo: Image.Image) -> Page:
    """The text on a picture, by the embedded engine, in this process or in one of its own as READ_APART says."""
    return apart.recognize(photo) if settings.READ_APART else local.recognize(photo)


def page_of(photo: Image.Image, *, content_sha256: str) -> Page:
    """The text on a picture, recognized once. Raises NotYetError, or RetryableExtractionError."""
    stored = kept(content_sha256, engine=PAGE)
    if stored is None:
        with claimed(content_sha256, engine=PAGE) as claim:
            with _tracer.start_as_current_span("recognize text"):
                stored = recognize(photo).to_json()
            claim.keep(stored)
    return Page.from_json(stored)
