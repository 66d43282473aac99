from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


class PeriodSerializer(serializers.Serializer[Any]):
    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("since") and attrs.get("until") and attrs["since"] > attrs["until"]:
            raise serializers.ValidationError({"until": ["Before `since`."]})
        return attrs


class TotalSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField(allow_blank=True, help_text="ISO 4217 code, empty where none was found.")
    total = serializers.DecimalField(max_digits=16, decimal_places=2)
    tax = serializers.DecimalField(max_digits=16, decimal_places=2, allow_null=True)
    receipts = serializers.IntegerField()


@extend_schema_field({"type": "string", "format": "date", "nullable": True})
class MonthField(serializers.DateField):
    """Null for receipts without a date. Not `allow_null`, which would put it into rows that have no month at all."""


class SpendingRowSerializer(TotalSerializer):
    """One of the first three, that by which was asked."""

    month = MonthField(required=False, help_text="Its first day; null for receipts without a date.")
    category = serializers.CharField(required=False, allow_blank=True)
    merchant = serializers.CharField(required=False, allow_blank=True)


class SpendingSerializer(serializers.Serializer[Any]):
    results = SpendingRowSerializer(many=True)
    totals = TotalSerializer(many=True, help_text="The sum of the results, each currency for itself.")
