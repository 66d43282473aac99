"""One's receipts as a file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from receipts import export
from receipts.models import Receipt
from receipts.serializers.export import ExportQuerySerializer


class WhateverIsAccepted(BaseContentNegotiation):
    """A browser asks for HTML and a script for CSV; either gets the file, and errors as JSON."""

    def select_renderer(
        self,
        request: Request,  # noqa: ARG002
        renderers: Sequence[BaseRenderer],
        format_suffix: str | None = None,  # noqa: ARG002
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type

    def select_parser(self, request: Request, parsers: Sequence[Any]) -> Any:  # noqa: ARG002
        return parsers[0]


class ExportMixin(GenericViewSet[Receipt]):
    @extend_schema(
        operation_id="receipts_export",
        parameters=[ExportQuerySerializer],
        filters=True,
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    @action(detail=False, methods=["get"], content_negotiation_class=WhateverIsAccepted)
    def export(self, request: Request) -> StreamingHttpResponse:
        """One's receipts as CSV, newest first, with the filters of the list.

        The columns of a receipt's row: id, created_at, state, purchased_on, merchant, printed_merchant, address,
        category, payment, currency, subtotal, tax, tip, total, engine, corrected_at, duplicate, duplicate_of_id,
        bulk_upload_id, file_name. Of a line's: receipt_id, receipt_purchased_on, receipt_merchant, receipt_category,
        receipt_currency, receipt_total, position, description, quantity, unit_price, price. More may be added at the
        end. A text that a spreadsheet would take for a formula begins with an apostrophe.
        """
        query = ExportQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        layout = export.Layout(query.validated_data["rows"])
        pages = export.pages(
            self.filter_queryset(Receipt.objects.filter(user=request.user)),
            user_id=request.user.pk,
            layout=layout,
            bom=query.validated_data["bom"],
        )
        # What fails at once is an error in good order; later only the broken connection can tell.
        begin = [page for _, page in zip(range(2), pages, strict=False)]
        name = f"spendsmart-{layout}-{timezone.now():%Y-%m-%d}.csv"
        return StreamingHttpResponse(
            chain(begin, pages),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )
