"""What the analytics take and give. Figures are rendered without these; a test compares the two."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from analytics.models import Budget, BudgetAlert
from analytics.recurring import Interval


class _SensibleDateField(serializers.DateField):
    """Within a range in which there is always a month before and one after."""

    def to_internal_value(self, value: Any) -> date:
        day = super().to_internal_value(value)
        if not 1900 <= day.year <= 2999:
            raise serializers.ValidationError("Between the years 1900 and 2999.", code="out_of_range")
        return day


class PeriodSerializer(serializers.Serializer[Any]):
    since = _SensibleDateField(required=False)
    until = _SensibleDateField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("since") and attrs.get("until") and attrs["since"] > attrs["until"]:
            raise serializers.ValidationError({"until": ["Before `since`."]})
        return attrs


class MonthSerializer(serializers.Serializer[Any]):
    month = _SensibleDateField(required=False, help_text="Any day of it; the current month where none is given.")


class NothingSerializer(serializers.Serializer[Any]):
    """No parameters."""


class TotalSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField(allow_blank=True, help_text="ISO 4217 code, empty where none was found.")
    total = serializers.DecimalField(max_digits=16, decimal_places=2)
    tax = serializers.DecimalField(max_digits=16, decimal_places=2, allow_null=True)
    receipts = serializers.IntegerField(help_text="By tax, one with several rates is in each of their rows.")


# Null for receipts without one. Not `allow_null`, which would put the field into rows that have none at all.
@extend_schema_field({"type": "string", "format": "date", "nullable": True})
class NullableDateField(serializers.DateField):
    pass


@extend_schema_field({"type": "string", "format": "decimal", "nullable": True})
class NullableDecimalField(serializers.DecimalField):
    pass


class SpendingRowSerializer(TotalSerializer):
    """What was asked by: month, day, category, merchant, or, by tax, month with rate and net."""

    month = NullableDateField(required=False, help_text="Its first day; null for receipts without a date.")
    day = NullableDateField(required=False, help_text="Null for receipts without a date.")
    category = serializers.CharField(required=False, allow_blank=True)
    merchant = serializers.CharField(required=False, allow_blank=True)
    rate = NullableDecimalField(
        max_digits=16,
        decimal_places=1,
        required=False,
        help_text="Percent, as printed or to the half; null without a tax.",
    )
    net = NullableDecimalField(
        max_digits=16, decimal_places=2, required=False, help_text="Totals less taxes and tips; null without a tax."
    )


class SpendingSerializer(serializers.Serializer[Any]):
    results = SpendingRowSerializer(many=True)
    totals = TotalSerializer(many=True, help_text="The sum of the results, each currency for itself.")


class ComparedSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField(allow_blank=True)
    total = serializers.DecimalField(max_digits=16, decimal_places=2)
    previous = serializers.DecimalField(max_digits=16, decimal_places=2, help_text="Of the month before.")
    change = serializers.DecimalField(max_digits=16, decimal_places=2)
    change_percent = serializers.DecimalField(
        max_digits=20, decimal_places=1, allow_null=True, help_text="Null where nothing was spent the month before."
    )


class ComparedCategorySerializer(ComparedSerializer):
    category = serializers.CharField(allow_blank=True)


class ComparisonSerializer(serializers.Serializer[Any]):
    month = serializers.DateField(help_text="Its first day.")
    previous_month = serializers.DateField()
    results = ComparedCategorySerializer(many=True)
    totals = ComparedSerializer(many=True)


class RecurringExpenseSerializer(serializers.Serializer[Any]):
    merchant = serializers.CharField()
    currency = serializers.CharField(allow_blank=True)
    interval = serializers.ChoiceField(choices=[interval.value for interval in Interval])
    amount = serializers.DecimalField(max_digits=12, decimal_places=2, help_text="The usual one, the median.")
    last_amount = serializers.DecimalField(max_digits=12, decimal_places=2)
    occurrences = serializers.IntegerField()
    first_on = serializers.DateField()
    last_on = serializers.DateField()
    next_expected_on = serializers.DateField()
    active = serializers.BooleanField(help_text="False when the next one is overdue.")


class RecurringSerializer(serializers.Serializer[Any]):
    results = RecurringExpenseSerializer(many=True)


class BudgetSerializer(serializers.ModelSerializer[Budget]):
    spent = serializers.DecimalField(
        max_digits=16, decimal_places=2, read_only=True, help_text="In the current month (UTC)."
    )

    class Meta:
        model = Budget
        fields = ("id", "category", "currency", "monthly_amount", "spent", "created_at", "updated_at")
        extra_kwargs = {"monthly_amount": {"min_value": Decimal("0.01")}}

    def validate_currency(self, value: str) -> str:
        if len(value) != 3 or not (value.isascii() and value.isalpha()):
            raise serializers.ValidationError("Three letters, as in ISO 4217.")
        return value.upper()


class BudgetAlertSerializer(serializers.ModelSerializer[BudgetAlert]):
    category = serializers.CharField(source="budget.category", read_only=True)
    currency = serializers.CharField(source="budget.currency", read_only=True)

    class Meta:
        model = BudgetAlert
        fields = (
            *("id", "budget", "category", "currency", "month", "level", "spent", "monthly_amount"),
            *("created_at", "dismissed_at"),
        )
        read_only_fields = fields
