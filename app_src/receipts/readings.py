"""One reading, and one billed call, for each image and engine, however many receipts show that image."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from extraction import Engine, Extraction, RetryableExtractionError
from receipts.models import Reading

CLAIM = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT + 10)
"""No task lives this long: an older claim belongs to a dead one."""

BUSY_SECONDS = 10.0


def digest_of(image: bytes) -> str:
    """What identifies an image: its bytes, never its looks."""
    return hashlib.sha256(image).hexdigest()


def keep(digest: str, found: Extraction) -> None:
    """Store what an engine made of an image, over whatever was there."""
    Reading.objects.update_or_create(
        content_sha256=digest, engine=found.engine, defaults={"extraction": found.model_dump(mode="json")}
    )


def read_once(image: bytes, *, engine: Engine) -> Extraction:
    """The stored reading, or a new one, stored before it is returned.

    Raises what the engine raises, and RetryableExtractionError while somebody else is reading the same image.
    """
    of_image = Reading.objects.filter(content_sha256=digest_of(image), engine=engine.name)
    now = timezone.now()
    reading, mine = Reading.objects.get_or_create(
        content_sha256=digest_of(image), engine=engine.name, defaults={"claimed_at": now}
    )
    if reading.extraction is not None:
        return Extraction.model_validate(reading.extraction)
    if not mine and not of_image.filter(extraction__isnull=True, claimed_at__lt=now - CLAIM).update(claimed_at=now):
        raise RetryableExtractionError("The same image is being read.", retry_after=BUSY_SECONDS)
    # `claimed_at` is the claim's token: who comes back after losing it changes nothing.
    claim = of_image.filter(extraction__isnull=True, claimed_at=now)
    try:
        found = engine.extract(image)
    except BaseException:
        claim.delete()
        raise
    claim.update(extraction=found.model_dump(mode="json"))
    return found
