"""Receipts that wait for, or are in, one of OpenAI's batches: half the price, an answer within 24 hours."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone


class BatchState(models.TextChoices):
    """`forming`: being put together and sent. `submitted`: OpenAI has it. The others are ends."""

    FORMING = "forming"
    SUBMITTED = "submitted"
    COLLECTED = "collected"
    FAILED = "failed"


class Batch(models.Model):
    """One of OpenAI's batches. Its `id` travels in the batch's metadata, by which a lost answer is found again.

    Whoever works on it has claimed it at `claimed_at`, until that is older than `claims.LEASE`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=16, choices=BatchState.choices, default=BatchState.FORMING)
    model = models.CharField(max_length=64)
    input_file_id = models.CharField(max_length=128, blank=True)
    remote_id = models.CharField(max_length=128, blank=True)
    status = models.CharField(max_length=32, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    claimed_at = models.DateTimeField(default=timezone.now, null=True)
    polled_at = models.DateTimeField(null=True)
    submitted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "batches"
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state=BatchState.SUBMITTED) | ~models.Q(remote_id=""),
                name="batch_submitted_has_remote",
            )
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                name="batch_open",
                condition=models.Q(state__in=[BatchState.FORMING, BatchState.SUBMITTED]),
            ),
            models.Index(fields=["-created_at"], name="batch_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.remote_id or self.id} ({self.state})"


class ItemState(models.TextChoices):
    """`waiting` for a batch, `asked` in one; `answered`, or `returned` to be read some other way."""

    WAITING = "waiting"
    ASKED = "asked"
    ANSWERED = "answered"
    RETURNED = "returned"


class Item(models.Model):
    """One receipt's place in a batch; its `id` is the request's custom_id.

    The item stays when the receipt is deleted meanwhile: what OpenAI bills has to be settled all the same.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    receipt = models.ForeignKey("receipts.Receipt", on_delete=models.SET_NULL, null=True, related_name="batch_items")
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, null=True, related_name="items")
    call = models.ForeignKey("openai_gateway.Call", on_delete=models.SET_NULL, null=True, related_name="+")
    content_sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=16, choices=ItemState.choices, default=ItemState.WAITING)
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["receipt"],
                condition=models.Q(state__in=[ItemState.WAITING, ItemState.ASKED]),
                name="batch_item_once",
            )
        ]
        indexes = [
            models.Index(fields=["created_at"], name="batch_item_waiting", condition=models.Q(state=ItemState.WAITING))
        ]

    def __str__(self) -> str:
        return f"{self.receipt_id} ({self.state})"
