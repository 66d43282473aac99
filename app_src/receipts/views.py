"""Receipts over HTTP. Every query starts from the user's own: another's receipt does not exist here."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from receipts import pictures, storage, tasks
from receipts.filters import ReceiptFilter
from receipts.models import Receipt
from receipts.serializers import (
    CorrectReceiptSerializer,
    CreatedReceiptSerializer,
    CreateReceiptSerializer,
    ReceiptSerializer,
)
from receipts.states import READ, State, move


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class StorageUnavailable(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The image store does not answer; try again."
    default_code = "storage_unavailable"


class ReceiptViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Receipt]):
    """Create, complete, list, read, correct and delete one's receipts."""

    serializer_class = ReceiptSerializer
    filterset_class = ReceiptFilter
    lookup_value_converter = "uuid"
    queryset = Receipt.objects.none()

    def get_queryset(self) -> QuerySet[Receipt]:
        if getattr(self, "swagger_fake_view", False):
            return Receipt.objects.none()
        return Receipt.objects.filter(user=self.request.user).prefetch_related("items").defer("text")

    @extend_schema(request=CreateReceiptSerializer, responses={201: CreatedReceiptSerializer})
    def create(self, request: Request) -> Response:
        """Announce an image; answers with the form to upload it by, straight to S3."""
        serializer = CreateReceiptSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        receipt = Receipt(user=request.user, **serializer.validated_data)
        try:
            form = storage.upload_form(key=receipt.key, content_type=receipt.content_type, size=receipt.size)
        except storage.StorageUnavailableError as error:
            raise StorageUnavailable from error
        receipt.save(force_insert=True)
        created = {"id": receipt.id, "state": receipt.state, "upload": asdict(form)}
        return Response(CreatedReceiptSerializer(created).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={202: ReceiptSerializer, 409: OpenApiResponse(description="Not uploaded")})
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, pk: UUID) -> Response:  # noqa: ARG002
        """Say that the image is uploaded. Saying so twice does no harm."""
        receipt = self.get_object()
        if receipt.state == State.AWAITING_UPLOAD:
            try:
                if not storage.exists(receipt.key):
                    raise Conflict("The image has not been uploaded.", code="not_uploaded")
            except storage.StorageUnavailableError as error:
                raise StorageUnavailable from error
            with transaction.atomic():
                if move(receipt.id, source=State.AWAITING_UPLOAD, target=State.UPLOADED):
                    transaction.on_commit(lambda: tasks.enqueue(receipt.id, source=State.UPLOADED))
        receipt.refresh_from_db()
        return Response(ReceiptSerializer(receipt).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=CorrectReceiptSerializer, responses=ReceiptSerializer)
    def partial_update(self, request: Request, pk: UUID) -> Response:  # noqa: ARG002
        """Put right what was read; a corrected receipt needs no review any more."""
        receipt = self.get_object()
        if receipt.state not in READ:
            raise Conflict(f"A receipt that is {receipt.state} has nothing to correct.", code="not_read")
        serializer = CorrectReceiptSerializer(receipt, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changes: dict[str, Any] = dict(serializer.validated_data)
        if receipt.total is None and "total" not in changes:
            raise Conflict("This receipt has no total: correct it, too.", code="no_total")
        moved = move(
            receipt.id, source=State(receipt.state), target=State.EXTRACTED, reason="", review_reasons=[], **changes
        )
        if not moved:
            raise Conflict("The receipt changed meanwhile; look at it again.", code="changed")
        receipt.refresh_from_db()
        return Response(ReceiptSerializer(receipt).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: UUID) -> Response:  # noqa: ARG002
        """Delete the receipt and its pictures."""
        receipt = self.get_object()
        try:
            pictures.delete(receipt)
        except storage.StorageUnavailableError as error:
            raise StorageUnavailable from error
        return Response(status=status.HTTP_204_NO_CONTENT)
