"""The review queue."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from receipts import review
from receipts.models import Receipt
from receipts.serializers.receipts import ReceiptDetailSerializer, ReceiptSerializer
from receipts.states import READ, State

KINDS = [kind.value for kind in review.Kind]
_MORE = ("kinds", "reasons", "can_confirm", "can_retry")


class KindsSerializer(serializers.Serializer[Any]):
    kind = serializers.MultipleChoiceField(
        choices=KINDS, required=False, help_text="`needs_review` and `duplicate` where nothing is said."
    )


class _ReviewFields(serializers.Serializer[Any]):
    kinds = serializers.SerializerMethodField(help_text="Why it needs a person.")
    reasons = serializers.SerializerMethodField(help_text="The same in sentences.")
    can_confirm = serializers.SerializerMethodField(help_text="Whether it can be confirmed as it was read.")
    can_retry = serializers.SerializerMethodField(help_text="Whether it can be read again.")

    def get_kinds(self, receipt: Receipt) -> list[str]:
        return [kind.value for kind in review.kinds_of(receipt)]

    def get_reasons(self, receipt: Receipt) -> list[str]:
        return review.reasons(receipt)

    def get_can_confirm(self, receipt: Receipt) -> bool:
        return State(receipt.state) in READ and receipt.total is not None

    def get_can_retry(self, receipt: Receipt) -> bool:
        return review.can_retry(receipt)


class ReviewSerializer(_ReviewFields, ReceiptSerializer):
    class Meta(ReceiptSerializer.Meta):
        fields = (*ReceiptSerializer.Meta.fields, *_MORE)
        read_only_fields = fields


class ReviewDetailSerializer(_ReviewFields, ReceiptDetailSerializer):
    class Meta(ReceiptDetailSerializer.Meta):
        fields = (*ReceiptDetailSerializer.Meta.fields, *_MORE)
        read_only_fields = fields


class CountsSerializer(serializers.Serializer[Any]):
    needs_review = serializers.IntegerField()
    duplicate = serializers.IntegerField()
    failed = serializers.IntegerField()
    rejected = serializers.IntegerField()


class ReviewPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    count = serializers.IntegerField(help_text="Receipts of the kinds asked for.")
    counts = CountsSerializer(help_text="Receipts of each kind; one may be of two.")
    results = ReviewSerializer(many=True)


class PlaceSerializer(serializers.Serializer[Any]):
    receipt = ReviewDetailSerializer()
    previous = serializers.UUIDField(allow_null=True)
    next = serializers.UUIDField(allow_null=True)
    left = serializers.IntegerField(help_text="Receipts in the queue.")
