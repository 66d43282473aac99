"""Corrections, and what is remembered of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from receipts import remembered
from receipts.models import LineItem, Receipt, RememberedCorrection
from receipts.serializers.receipts import ReceiptDetailSerializer

MOST_LINES = 300


class CorrectLineSerializer(serializers.ModelSerializer[LineItem]):
    class Meta:
        model = LineItem
        fields = ("description", "quantity", "unit_price", "price")
        extra_kwargs = {"quantity": {"default": 1}}


class CorrectReceiptSerializer(serializers.ModelSerializer[Receipt]):
    """What a person may put right. `items` replace all the receipt's lines."""

    currency = serializers.RegexField(r"^[A-Za-z]{3}$", required=False, help_text="As in ISO 4217.")
    total = serializers.DecimalField(max_digits=12, decimal_places=2, required=False)
    items = CorrectLineSerializer(many=True, required=False, max_length=MOST_LINES)
    remember = serializers.BooleanField(
        default=True, help_text="Whether the merchant and category hold for later receipts printed like this one."
    )

    class Meta:
        model = Receipt
        fields = (
            *("merchant", "address", "purchased_on", "currency", "subtotal", "tax", "tip", "total", "payment"),
            *("category", "items", "remember"),
        )

    def validate_currency(self, value: str) -> str:
        return value.upper()

    def validate_purchased_on(self, value: Any) -> Any:
        # Somewhere it is tomorrow already.
        if value is not None and value > timezone.now().date() + timedelta(days=1):
            raise serializers.ValidationError("This day is yet to come.")
        return value


class RememberedSerializer(serializers.ModelSerializer[RememberedCorrection]):
    class Meta:
        model = RememberedCorrection
        fields = ("id", "printed", "merchant", "category", "updated_at")
        read_only_fields = fields
        extra_kwargs = {
            "printed": {"help_text": "The printed name without case, accents, punctuation and legal form."},
            "category": {"help_text": "Empty where the category stays as read."},
        }


class RememberedDetailSerializer(RememberedSerializer):
    earlier = serializers.SerializerMethodField(
        help_text="Earlier receipts printed like this that nobody corrected and that say something else."
    )

    class Meta(RememberedSerializer.Meta):
        fields = (*RememberedSerializer.Meta.fields, "earlier")
        read_only_fields = fields

    def get_earlier(self, memory: RememberedCorrection) -> int:
        return remembered.earlier(memory).count()


class AppliedSerializer(serializers.Serializer[Any]):
    changed = serializers.IntegerField(help_text="Earlier receipts that were put right.")


class CorrectedReceiptSerializer(ReceiptDetailSerializer):
    warnings = serializers.SerializerMethodField(help_text="What still does not add up; stored all the same.")
    remembered = serializers.SerializerMethodField(help_text="What holds for later receipts of this shop, if anything.")

    class Meta(ReceiptDetailSerializer.Meta):
        fields = (*ReceiptDetailSerializer.Meta.fields, "warnings", "remembered")
        read_only_fields = fields

    def get_warnings(self, _receipt: Receipt) -> list[str]:
        warnings: list[str] = self.context["correction"].warnings
        return warnings

    @extend_schema_field(RememberedDetailSerializer(allow_null=True))
    def get_remembered(self, _receipt: Receipt) -> dict[str, Any] | None:
        memory = self.context["correction"].memory
        return None if memory is None else dict(RememberedDetailSerializer(memory).data)
