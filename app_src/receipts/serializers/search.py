"""Full-text search."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from receipts.serializers.receipts import ReceiptSerializer

LONGEST_QUERY = 200
PAGE, LARGEST_PAGE, LAST_OFFSET = 20, 50, 1000


class SearchQuerySerializer(serializers.Serializer[Any]):
    q = serializers.CharField(max_length=LONGEST_QUERY, help_text="Words, or their beginnings; all must be there.")
    limit = serializers.IntegerField(min_value=1, max_value=LARGEST_PAGE, default=PAGE)
    offset = serializers.IntegerField(min_value=0, max_value=LAST_OFFSET, default=0)


class PartSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    match = serializers.BooleanField(help_text="Whether this is one of the words looked for.")


class HitSerializer(serializers.Serializer[Any]):
    receipt = ReceiptSerializer()
    snippet = PartSerializer(many=True, help_text="Where the words stand; plain text in pieces, never markup.")


class FoundSerializer(serializers.Serializer[Any]):
    results = HitSerializer(many=True, source="hits")
    alike = serializers.BooleanField(help_text="No receipt has the words; these have similar ones.")
    ranked = serializers.BooleanField(help_text="The best are first; otherwise, for common words, the newest.")
    more = serializers.BooleanField(help_text="Whether there are further ones behind these.")
