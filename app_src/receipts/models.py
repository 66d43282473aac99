"""Receipts and their lines, and what each distinct image was read as."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.utils import timezone

from receipts.states import State
from spendsmart.writes import OwnedManager

CONTENT_TYPES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WebP"}


def _money(**arguments: Any) -> models.DecimalField[Any, Any]:
    return models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True, **arguments)


class BulkUpload(models.Model):
    """Several receipts that somebody sent in one go. How far they are is counted from their states."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="bulk_uploads")
    name = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [models.Index(fields=["user", "-created_at", "-id"], name="bulk_upload_list")]

    def __str__(self) -> str:
        return self.name or str(self.id)


class Duplicate(models.TextChoices):
    """What is known of `Receipt.duplicate_of`: the machine suspects, the person decides."""

    SUSPECTED = "suspected"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


class Receipt(models.Model):
    """One photographed receipt of one person. Amounts are in `currency` (ISO 4217).

    `tax_lines` is the tax by rate: `rate` in percent, `net` and `amount`, as decimals in strings or null.
    `boxes` says where on the upright picture a field was read: left, top, right and bottom, as fractions of its sides.
    `waits_since` is when its image had arrived, or when a person asked for another try.
    `fallback` names why another engine than the configured one read it, and `reread_at` when the configured one shall.
    `printed_merchant` is the name as read, before what the person taught us about it. Whoever corrected a receipt
    (`corrected_at`) is not overruled by a later reading.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="receipts")
    state = models.CharField(max_length=16, choices=State.choices, default=State.AWAITING_UPLOAD)
    state_changed_at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)
    waits_since = models.DateTimeField(null=True, blank=True)

    file_name = models.CharField(max_length=255, blank=True, db_default="")
    content_type = models.CharField(max_length=32, choices=[(t, t) for t in CONTENT_TYPES])
    size = models.PositiveIntegerField()
    content_sha256 = models.CharField(max_length=64, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True, db_default="")
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    pictures_at = models.DateTimeField(null=True, blank=True)
    bulk_upload = models.ForeignKey(
        BulkUpload, on_delete=models.SET_NULL, null=True, blank=True, db_index=False, related_name="receipts"
    )
    duplicate_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, db_index=False, related_name="duplicates"
    )
    duplicate = models.CharField(max_length=16, choices=Duplicate.choices, blank=True, db_default="")

    merchant = models.CharField(max_length=200, blank=True)
    printed_merchant = models.CharField(max_length=200, blank=True, db_default="")
    address = models.CharField(max_length=500, blank=True)
    purchased_on = models.DateField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    subtotal = _money()
    tax = _money()
    tax_lines = models.JSONField(default=list, blank=True, db_default=[])
    tip = _money()
    total = _money()
    payment = models.CharField(max_length=16, blank=True)
    category = models.CharField(max_length=50, blank=True)
    engine = models.CharField(max_length=50, blank=True)
    confidence = models.JSONField(default=dict, blank=True)
    review_reasons = models.JSONField(default=list, blank=True)
    text = models.TextField(blank=True)
    boxes = models.JSONField(default=dict, blank=True, db_default={})
    fallback = models.CharField(max_length=32, blank=True, db_default="")
    reread_at = models.DateTimeField(null=True, blank=True)
    corrected_at = models.DateTimeField(null=True, blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = OwnedManager()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=State.values), name="receipt_state_known"),
            models.CheckConstraint(
                condition=~models.Q(state=State.EXTRACTED) | models.Q(total__isnull=False),
                name="receipt_extracted_has_total",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="receipt_list"),
            # What the sweeper looks for; final receipts, nearly all of them, are not in it.
            models.Index(
                fields=["state", "state_changed_at"],
                name="receipt_unfinished",
                condition=models.Q(state__in=[State.AWAITING_UPLOAD, State.UPLOADED, State.QUEUED, State.EXTRACTING]),
            ),
            # Those without a batch are looked for among these.
            models.Index(fields=["state_changed_at"], condition=models.Q(state=State.BATCHED), name="receipt_batched"),
            models.Index(fields=["user", "purchased_on"], name="receipt_by_day"),
            models.Index(fields=["user", "content_sha256"], name="receipt_by_content"),
            models.Index(fields=["content_sha256"], name="receipt_of_any_by_content"),
            # All that a search for look-alikes reads of a person's receipts.
            models.Index(
                fields=["user"],
                include=["fingerprint", "id"],
                condition=~models.Q(fingerprint=""),
                name="receipt_by_fingerprint",
            ),
            models.Index(fields=["bulk_upload"], name="receipt_of_bulk", condition=models.Q(bulk_upload__isnull=False)),
            models.Index(
                fields=["duplicate_of"], name="receipt_duplicates", condition=models.Q(duplicate_of__isnull=False)
            ),
            models.Index(
                fields=["user", "created_at", "id"],
                name="receipt_for_person",
                condition=models.Q(state__in=[State.NEEDS_REVIEW, State.FAILED, State.REJECTED])
                | models.Q(duplicate="suspected"),
            ),
            # The names under which a person's receipts are printed.
            models.Index(fields=["user", "printed_merchant"], name="receipt_by_printed"),
            models.Index(fields=["reread_at"], name="receipt_reread", condition=models.Q(reread_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.state})"

    @property
    def key(self) -> str:
        """The image's key in the bucket."""
        return f"receipts/{self.user_id}/{self.id}"


class DeletedReceipt(models.Model):
    """What is still to be done for a receipt that was deleted, from `due_at` on (`receipts.deleted`)."""

    receipt_id = models.UUIDField(primary_key=True)
    user_id = models.UUIDField()
    content_sha256 = models.CharField(max_length=64, blank=True)
    due_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.receipt_id)


class LineItem(models.Model):
    receipt = models.ForeignKey(Receipt, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField()
    description = models.CharField(max_length=300)
    quantity = models.DecimalField(max_digits=10, decimal_places=3, default=1)
    unit_price = _money()
    price = _money()
    box = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ("position",)
        constraints = [models.UniqueConstraint(fields=["receipt", "position"], name="line_item_position")]

    def __str__(self) -> str:
        return self.description


class SearchDocument(models.Model):
    """What is found of one receipt, written by the database's own triggers (migration 0007).

    `words` weighs the merchant (A) above the lines (B), the address and category (C), and the whole text (D). `names`
    are merchant and lines without case and accents, for words that are only alike.
    """

    receipt = models.OneToOneField(
        Receipt, on_delete=models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="+"
    )
    user_id = models.UUIDField()
    words = SearchVectorField()
    names = models.TextField()

    class Meta:
        indexes = [
            GinIndex(fields=["user_id", "words"], name="search_words"),
            GinIndex(fields=["user_id", "names"], opclasses=["uuid_ops", "gin_trgm_ops"], name="search_names"),
        ]

    def __str__(self) -> str:
        return str(self.receipt_id)


class RememberedCorrection(models.Model):
    """What one person taught us: a merchant printed like this (`printed`, normalized) is that one, in that category."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="remembered_corrections")
    printed = models.CharField(max_length=200)
    merchant = models.CharField(max_length=200)
    category = models.CharField(max_length=50, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "printed"], name="remembered_once")]

    def __str__(self) -> str:
        return f"{self.printed} is {self.merchant}"


class Reading(models.Model):
    """What one engine made of one image: an image with the same bytes is never read, or billed, a second time.

    Without an `extraction`, somebody is reading it since `claimed_at`.
    """

    content_sha256 = models.CharField(max_length=64)
    engine = models.CharField(max_length=50)
    extraction = models.JSONField(null=True)
    claimed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["content_sha256", "engine"], name="reading_once")]

    def __str__(self) -> str:
        return f"{self.content_sha256[:12]} by {self.engine}"
