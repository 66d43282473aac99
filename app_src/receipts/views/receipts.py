"""One's receipts: announce, complete, list, read, correct, delete."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from structlog.contextvars import bind_contextvars

from receipts import admission, corrections, pictures, rereading, review, storage, tasks
from receipts.filters import ReceiptFilter
from receipts.models import Receipt
from receipts.serializers import (
    CreatedReceiptSerializer,
    CreateReceiptSerializer,
    ReceiptDetailSerializer,
    ReceiptSerializer,
)
from receipts.serializers.corrections import CorrectedReceiptSerializer, CorrectReceiptSerializer
from receipts.states import State, move
from receipts.views.errors import Conflict, answered
from receipts.views.export import ExportMixin
from spendsmart.plain_rows import PlainListMixin


class ReceiptViewSet(
    ExportMixin, PlainListMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Receipt]
):
    """Create, complete, list, read, correct and delete one's receipts."""

    serializer_class = ReceiptSerializer
    filterset_class = ReceiptFilter
    lookup_value_converter = "uuid"
    queryset = Receipt.objects.none()

    def get_queryset(self) -> QuerySet[Receipt]:
        if getattr(self, "swagger_fake_view", False):
            return Receipt.objects.none()
        mine = Receipt.objects.filter(user=self.request.user).prefetch_related("items")
        return mine.defer("text", "boxes") if self.action == "list" else mine

    def get_serializer_class(self) -> type[ReceiptSerializer]:
        return ReceiptSerializer if self.action == "list" else ReceiptDetailSerializer

    def get_object(self) -> Receipt:
        receipt: Receipt = super().get_object()
        bind_contextvars(receipt=str(receipt.id))
        return receipt

    @extend_schema(request=CreateReceiptSerializer, responses={201: CreatedReceiptSerializer})
    def create(self, request: Request) -> Response:
        """Announce an image; answers with the form to upload it by, straight to S3."""
        serializer = CreateReceiptSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        admission.admit(request.user)
        receipt = Receipt(user=request.user, **serializer.validated_data)
        bind_contextvars(receipt=str(receipt.id))
        with answered():
            form = storage.upload_form(key=receipt.key, content_type=receipt.content_type, size=receipt.size)
        receipt.save(force_insert=True)
        created = {"id": receipt.id, "state": receipt.state, "upload": asdict(form)}
        return Response(CreatedReceiptSerializer(created).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        request=None, responses={202: ReceiptDetailSerializer, 409: OpenApiResponse(description="Not uploaded")}
    )
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, pk: UUID) -> Response:  # noqa: ARG002
        """Say that the image is uploaded. Saying so twice does no harm."""
        receipt = self.get_object()
        if receipt.state == State.AWAITING_UPLOAD:
            with answered():
                if not storage.exists(receipt.key):
                    raise Conflict("The image has not been uploaded.", code="not_uploaded")
            with transaction.atomic():
                if move(receipt.id, source=State.AWAITING_UPLOAD, target=State.UPLOADED):
                    transaction.on_commit(
                        lambda: tasks.enqueue(receipt.id, source=State.UPLOADED, queue=tasks.queue_of(receipt))
                    )
        receipt.refresh_from_db()
        return Response(ReceiptDetailSerializer(receipt).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        request=CorrectReceiptSerializer,
        responses={200: CorrectedReceiptSerializer, 409: OpenApiResponse(description="Not read, no total, or changed")},
    )
    def partial_update(self, request: Request, pk: UUID) -> Response:  # noqa: ARG002
        """Put right what was read; a corrected receipt needs no review any more, and its shop is remembered."""
        receipt = self.get_object()
        serializer = CorrectReceiptSerializer(data=request.data)  # not partial: lines must be whole
        serializer.is_valid(raise_exception=True)
        changes: dict[str, Any] = dict(serializer.validated_data)
        lines, remember = changes.pop("items", None), changes.pop("remember")
        return self._correct(receipt, changes=changes, lines=lines, remember=remember)

    @extend_schema(
        request=None,
        responses={200: CorrectedReceiptSerializer, 409: OpenApiResponse(description="Not read, no total, or changed")},
    )
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: UUID) -> Response:  # noqa: ARG002
        """Say that everything looks right as it was read."""
        return self._correct(self.get_object(), changes={}, lines=None, remember=False)

    @extend_schema(
        request=None,
        responses={202: ReceiptDetailSerializer, 409: OpenApiResponse(description="Not failed, or without an image")},
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: UUID) -> Response:  # noqa: ARG002
        """Let a receipt that failed be read again."""
        receipt = self.get_object()
        with answered():
            review.retry(receipt)
        receipt.refresh_from_db()
        return Response(ReceiptDetailSerializer(receipt).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        request=None,
        responses={
            202: ReceiptDetailSerializer,
            409: OpenApiResponse(description="Not read, corrected by somebody, being read, or read afresh too often"),
        },
    )
    @action(detail=True, methods=["post"])
    def reread(self, request: Request, pk: UUID) -> Response:  # noqa: ARG002
        """Have OpenAI read the receipt afresh, although it may be billed once more; until it has, nothing changes."""
        receipt = self.get_object()
        with answered():
            rereading.ask(receipt)
        tasks.send_reread(receipt.id)
        receipt.refresh_from_db()
        return Response(ReceiptDetailSerializer(receipt).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: UUID) -> Response:  # noqa: ARG002
        """Delete the receipt and its pictures."""
        receipt = self.get_object()
        with answered():
            pictures.delete(receipt)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _correct(
        self, receipt: Receipt, *, changes: dict[str, Any], lines: list[dict[str, Any]] | None, remember: bool
    ) -> Response:
        with answered():
            done = corrections.correct(receipt, changes=changes, lines=lines, remember=remember)
        return Response(CorrectedReceiptSerializer(done.receipt, context={"correction": done}).data)
