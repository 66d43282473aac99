from __future__ import annotations

from typing import Any

from rest_framework import serializers

from receipts.bulk import AT_ONCE
from receipts.serializers.receipts import CreatedReceiptSerializer, CreateReceiptSerializer
from receipts.states import State


class AnnounceFilesSerializer(serializers.Serializer[Any]):
    files = CreateReceiptSerializer(many=True, min_length=1, max_length=AT_ONCE)


class CreateBulkUploadSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, allow_blank=True, default="")
    files = CreateReceiptSerializer(many=True, max_length=AT_ONCE, default=list)


class AnnouncedReceiptSerializer(CreatedReceiptSerializer):
    file_name = serializers.CharField(allow_blank=True)


class AnnouncedBulkUploadSerializer(serializers.Serializer[Any]):
    """The receipts are those announced by this call, in the order of its files."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    receipts = AnnouncedReceiptSerializer(many=True)


class CompleteSerializer(serializers.Serializer[Any]):
    receipts = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=AT_ONCE)


class CompletedSerializer(serializers.Serializer[Any]):
    accepted = serializers.ListField(child=serializers.UUIDField(), help_text="On their way, now or before.")
    missing = serializers.ListField(child=serializers.UUIDField(), help_text="Their images have not been uploaded.")
    unknown = serializers.ListField(child=serializers.UUIDField(), help_text="Not in this bulk upload.")


class BulkUploadSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    total = serializers.IntegerField()
    done = serializers.IntegerField(help_text="Read, failed or rejected: nothing more happens to these by itself.")
    states = serializers.DictField(child=serializers.IntegerField(), help_text="Receipts by state, where any are.")


class FailureSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    file_name = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=State.choices)
    reason = serializers.CharField(allow_blank=True)


class BulkUploadProgressSerializer(BulkUploadSerializer):
    failures = FailureSerializer(many=True)
