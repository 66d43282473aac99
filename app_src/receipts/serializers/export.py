from __future__ import annotations

from typing import Any

from rest_framework import serializers

from receipts.export import Layout


class ExportQuerySerializer(serializers.Serializer[Any]):
    rows = serializers.ChoiceField(
        choices=[layout.value for layout in Layout],
        default=Layout.RECEIPTS.value,
        help_text="One row a receipt, or one a line; receipts without lines then have none.",
    )
    bom = serializers.BooleanField(
        default=False, help_text="Begin with a byte order mark, by which Excel knows that this is UTF-8."
    )
