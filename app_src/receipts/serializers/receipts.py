from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from receipts.models import CONTENT_TYPES, Duplicate, LineItem, Receipt


class LineItemSerializer(serializers.ModelSerializer[LineItem]):
    class Meta:
        model = LineItem
        fields = ("description", "quantity", "unit_price", "price")


class ReceiptSerializer(serializers.ModelSerializer[Receipt]):
    # Said here, as a model's field that may be blank is described as if it were not, once it is read-only.
    duplicate = serializers.ChoiceField(choices=Duplicate.choices, allow_blank=True, read_only=True)
    items = LineItemSerializer(many=True, read_only=True)

    class Meta:
        model = Receipt
        fields: tuple[str, ...] = (
            *("id", "state", "reason", "review_reasons", "created_at", "updated_at", "content_type", "size"),
            *("merchant", "address", "purchased_on", "currency", "subtotal", "tax", "tip", "total", "payment"),
            *("category", "engine", "confidence", "items"),
            *("file_name", "bulk_upload", "duplicate", "duplicate_of", "printed_merchant", "fallback", "corrected_at"),
        )
        read_only_fields = fields


class BoxField(serializers.ListField):
    """Left, top, right and bottom on the upright picture, as fractions of its sides."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(child=serializers.FloatField(), min_length=4, max_length=4, **keywords)


class LineItemDetailSerializer(LineItemSerializer):
    box = BoxField(allow_null=True)

    class Meta(LineItemSerializer.Meta):
        fields = (*LineItemSerializer.Meta.fields, "box")


class TaxLineSerializer(serializers.Serializer[Any]):
    """The tax at one rate. Decimals as they were read, in strings."""

    rate = serializers.CharField(allow_null=True, help_text="Percent.")
    net = serializers.CharField(allow_null=True)
    amount = serializers.CharField()


class ReceiptDetailSerializer(ReceiptSerializer):
    """One receipt with all that was read, and where on the picture it stands."""

    items = LineItemDetailSerializer(many=True, read_only=True)
    tax_lines = TaxLineSerializer(many=True, read_only=True)
    boxes = serializers.DictField(child=BoxField(), read_only=True)

    class Meta(ReceiptSerializer.Meta):
        fields = (*ReceiptSerializer.Meta.fields, "text", "tax_lines", "boxes", "width", "height")
        read_only_fields = fields


class UploadSerializer(serializers.Serializer[Any]):
    url = serializers.URLField()
    fields = serializers.DictField(child=serializers.CharField())  # type: ignore[assignment]
    expires_in = serializers.IntegerField(help_text="Seconds until S3 refuses the form.")


class CreateReceiptSerializer(serializers.Serializer[Any]):
    """What the client is about to upload; the form that comes back accepts just that."""

    file_name = serializers.CharField(max_length=255, allow_blank=True, default="", help_text="As people know it.")
    content_type = serializers.ChoiceField(choices=sorted(CONTENT_TYPES))
    size = serializers.IntegerField(min_value=1, max_value=settings.UPLOAD_MAX_BYTES, help_text="Bytes of the image.")


class CreatedReceiptSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    state = serializers.CharField()
    upload = serializers.SerializerMethodField()

    @extend_schema_field(UploadSerializer)
    def get_upload(self, created: dict[str, Any]) -> dict[str, Any]:
        upload: dict[str, Any] = created["upload"]
        return upload
