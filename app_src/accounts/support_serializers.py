"""What support sees of a user: fields named one by one, so that a new one is not shown by accident."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.models import AuditEntry, TokenFamily, User
from receipts.models import Receipt


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(
        min_length=10, max_length=500, help_text="Why, in words. The user concerned can read it."
    )


class FindUserSerializer(ReasonSerializer):
    email = serializers.EmailField(max_length=254)


class SupportUserSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ("id", "email", "created_at", "is_active")


class SupportReceiptSerializer(serializers.ModelSerializer[Receipt]):
    """Not the image, nor the text that was read from it."""

    class Meta:
        model = Receipt
        fields = (
            *("id", "state", "reason", "review_reasons", "created_at", "updated_at", "content_type", "size"),
            *("merchant", "purchased_on", "currency", "total", "category", "engine", "attempts", "retry_at"),
        )
        read_only_fields = fields


class SupportSessionSerializer(serializers.ModelSerializer[TokenFamily]):
    class Meta:
        model = TokenFamily
        fields = ("id", "created_at", "last_used_at", "expires_at", "ended_at", "ended_because", "user_agent")
        read_only_fields = fields


class AccessSerializer(serializers.ModelSerializer[AuditEntry]):
    """One time that staff looked at one's data. Who it was stays with us; that it was, when and why does not."""

    class Meta:
        model = AuditEntry
        fields = ("id", "created_at", "action", "reason", "request_id")
        read_only_fields = fields
