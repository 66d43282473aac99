"""The ledger: each call to OpenAI, written down before it is sent, and what each day costs."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models


def _dollars(**arguments: Any) -> models.DecimalField[Any, Any]:
    return models.DecimalField(max_digits=14, decimal_places=8, **arguments)


class Purpose(models.TextChoices):
    READ = "read"
    ESCALATION = "escalation"
    BATCH = "batch"


class CallState(models.TextChoices):
    """`sent` and `in_doubt` count at their upper bound: OpenAI may have billed them."""

    SENT = "sent"
    BILLED = "billed"
    FREE = "free"
    IN_DOUBT = "in_doubt"


COSTLY = (CallState.SENT, CallState.BILLED, CallState.IN_DOUBT)


class Call(models.Model):
    """One attempt to have one image read.

    `price` is what counts against the day's budget: the upper bound from the moment it is sent, what was billed once
    that is known, nothing when OpenAI charged nothing. For one image at most one call that may have been billed
    exists, and one escalation: PostgreSQL refuses the row of another, so it is never sent. Calls that are `superseded`
    stand back: a person has asked for a fresh reading.

    The bill stays when the receipt or the person is deleted.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    receipt = models.ForeignKey("receipts.Receipt", on_delete=models.SET_NULL, null=True, related_name="openai_calls")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, db_index=False, related_name="openai_calls"
    )
    content_sha256 = models.CharField(max_length=64)
    model = models.CharField(max_length=64)
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    state = models.CharField(max_length=16, choices=CallState.choices, default=CallState.SENT)
    outcome = models.CharField(max_length=32, blank=True)
    superseded = models.BooleanField(default=False)

    input_tokens = models.PositiveIntegerField(null=True)
    cached_tokens = models.PositiveIntegerField(null=True)
    cache_written_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    reserved_tokens = models.PositiveIntegerField()
    price = _dollars()
    request_id = models.CharField(max_length=128, blank=True)

    day = models.DateField()
    sent_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["content_sha256"],
                condition=models.Q(purpose__in=[Purpose.READ, Purpose.BATCH], state__in=COSTLY, superseded=False),
                name="openai_read_once",
            ),
            models.UniqueConstraint(
                fields=["content_sha256"],
                condition=models.Q(purpose=Purpose.ESCALATION, state__in=COSTLY, superseded=False),
                name="openai_escalated_once",
            ),
            models.CheckConstraint(condition=models.Q(price__gte=0), name="openai_price_positive"),
        ]
        indexes = [
            # Sums per user and day read the index alone.
            models.Index(fields=["day", "user"], include=["price"], name="openai_call_day"),
            models.Index(fields=["content_sha256"], name="openai_call_content"),
            models.Index(fields=["sent_at"], name="openai_call_sent"),
            models.Index(fields=["sent_at"], name="openai_call_open", condition=models.Q(state=CallState.SENT)),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} of {self.content_sha256[:12]} by {self.model} ({self.state})"


class Day(models.Model):
    """What one day (UTC) costs so far, kept beside the calls so that a reservation is one conditional UPDATE."""

    day = models.DateField(primary_key=True)
    spent = _dollars(default=0)
    readings = models.PositiveIntegerField(default=0)
    escalations = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(spent__gte=0), name="openai_spent_positive")]

    def __str__(self) -> str:
        return f"{self.day}: ${self.spent}"
