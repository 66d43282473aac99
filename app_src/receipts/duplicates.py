"""Receipts that somebody photographed, or uploaded, twice.

The machine suspects, the person decides. A confirmed duplicate stays, but does not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from extraction import Extraction
from extraction.likeness import days, printed, same_receipt
from extraction.page import Page
from extraction.verified import verified
from receipts import readings
from receipts.models import Duplicate, Receipt
from receipts.states import READ

ALIKE = 64
"""Bits of 256 in which fingerprints of one receipt may differ.

Measured on 57 scans (benchmarks/duplicates.py): recompressed at most 10; median and most when brighter 16 and 66, with
3 % cropped off each side 58 and 100, turned by 2 degrees 50 and 86; different receipts begin at 64. So looks only
propose, and what is printed decides. A second photograph is at 122, as far as chance: it is found by its date.
"""

MAX_ALIKE = 8
MAX_SAME_DAY = 32
"""How many candidates of each kind are compared, the most similar or newest ones."""

_TOLD = Q(duplicate__in=[Duplicate.SUSPECTED, Duplicate.CONFIRMED], duplicate_of__isnull=False)

_NEAREST = """
    SELECT id FROM receipts_receipt
    WHERE user_id = %(user)s AND fingerprint <> '' AND id <> %(receipt)s
      AND bit_count(('x' || fingerprint)::bit(256) # ('x' || %(fingerprint)s)::bit(256)) <= %(bits)s
    ORDER BY bit_count(('x' || fingerprint)::bit(256) # ('x' || %(fingerprint)s)::bit(256)), id
    LIMIT %(most)s
"""


def find(receipt: Receipt, *, page_text: str, content_sha256: str = "") -> Receipt | None:
    """An earlier receipt of the same person that this one is a second picture of, None when there is none.

    Args:
        receipt: Its `fingerprint` proposes candidates that look alike.
        page_text: What was recognized on the picture. Days printed there propose candidates, too, and whatever was
            proposed has to be printed with the same figures.
        content_sha256: Digest of the uploaded bytes; the same bytes need no further proof.

    None, too, where the person has said that it is no duplicate.
    """
    if receipt.duplicate == Duplicate.DISMISSED:
        return None
    others = (
        Receipt.objects.filter(user_id=receipt.user_id, state__in=READ)
        .exclude(id=receipt.id)
        .exclude(duplicate_of=receipt.id)
        .exclude(_TOLD)
    )
    if content_sha256:
        same = others.filter(content_sha256=content_sha256).order_by("created_at").first()
        if same:
            return same
    text = printed(page_text)
    printed_days = days(page_text)
    for other in _candidates(receipt, others, printed_days):
        stored_day_fits = other.purchased_on is None or other.purchased_on in printed_days
        if stored_day_fits and same_receipt(text, printed(other.text)):
            return other
    return None


def reading_of_first(
    receipt: Receipt, *, page: Page, local: Extraction, engine: str
) -> tuple[Extraction, Receipt] | None:
    """What `engine` read on the first picture of this receipt, placed and checked on this one, and that first receipt.

    None if it did not.
    """
    first = find(receipt, page_text=local.text)
    stored = readings.kept(first.content_sha256, engine=engine) if first else None
    if first is None or stored is None:
        return None
    found = Extraction.model_validate(stored).model_copy(update={"needs_review": []})
    return verified(found, page=page, local=local), first


def columns(receipt: Receipt, original: Receipt | None) -> dict[str, Any]:
    """What to store with the reading: nothing where a person has decided already."""
    if original is None or receipt.duplicate in (Duplicate.CONFIRMED, Duplicate.DISMISSED):
        return {}
    return {"duplicate_of": original, "duplicate": Duplicate.SUSPECTED}


def decide(receipt: Receipt, decision: Duplicate) -> bool:
    """Confirm or dismiss a suspicion, and change one's mind later; False when there is nothing to decide."""
    changed = (
        Receipt.objects.filter(id=receipt.id, duplicate_of__isnull=False)
        .exclude(duplicate="")
        .update(duplicate=decision)
    )
    return changed == 1


def release(original: Receipt) -> None:
    """Before an original is deleted: what was a duplicate of it counts again."""
    original.duplicates.update(duplicate="", duplicate_of=None)


def _candidates(receipt: Receipt, others: QuerySet[Receipt], printed_days: set[Any]) -> Iterator[Receipt]:
    seen: set[UUID] = set()
    if receipt.fingerprint:
        nearest = _nearest(receipt)
        alike = others.in_bulk(nearest)
        for receipt_id in nearest:
            if receipt_id in alike:
                seen.add(receipt_id)
                yield alike[receipt_id]
    if printed_days:
        same_day = others.filter(purchased_on__in=printed_days).order_by("-created_at")[:MAX_SAME_DAY]
        yield from (other for other in same_day if other.id not in seen)


def _nearest(receipt: Receipt) -> list[UUID]:
    """Of the person's receipts those that look most alike; reads an index of their fingerprints, not the rows."""
    values = {
        "user": receipt.user_id,
        "receipt": receipt.id,
        "fingerprint": receipt.fingerprint,
        "bits": ALIKE,
        "most": MAX_ALIKE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NEAREST, values)
        return [row[0] for row in cursor.fetchall()]
