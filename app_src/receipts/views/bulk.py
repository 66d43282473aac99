"""Bulk uploads: announce, complete, and see how far they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from structlog.contextvars import bind_contextvars

from receipts import admission, bulk
from receipts.models import BulkUpload, Receipt
from receipts.serializers.bulk import (
    AnnouncedBulkUploadSerializer,
    AnnounceFilesSerializer,
    BulkUploadProgressSerializer,
    BulkUploadSerializer,
    CompletedSerializer,
    CompleteSerializer,
    CreateBulkUploadSerializer,
)
from receipts.views.errors import answered


class BulkUploadViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[BulkUpload]):
    """Many receipts in one go: their images go to S3 as usual, they are read when nobody waits for another."""

    serializer_class = BulkUploadSerializer
    lookup_value_converter = "uuid"
    queryset = BulkUpload.objects.none()

    def get_queryset(self) -> QuerySet[BulkUpload]:
        if getattr(self, "swagger_fake_view", False):
            return BulkUpload.objects.none()
        return BulkUpload.objects.filter(user=self.request.user)

    def get_object(self) -> BulkUpload:
        upload: BulkUpload = super().get_object()
        bind_contextvars(bulk_upload=str(upload.id))
        return upload

    def paginate_queryset(self, queryset: Any) -> Any:
        page: Sequence[BulkUpload] = super().paginate_queryset(queryset) or []
        found = bulk.progress([upload.id for upload in page])
        return [_progress(upload, found[upload.id]) for upload in page]

    @extend_schema(request=CreateBulkUploadSerializer, responses={201: AnnouncedBulkUploadSerializer})
    def create(self, request: Request) -> Response:
        """Announce up to 100 images; answers with a receipt and the form to upload it by for each."""
        serializer = CreateBulkUploadSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        upload = BulkUpload(user=request.user, name=serializer.validated_data["name"])
        bind_contextvars(bulk_upload=str(upload.id))
        return self._announce(upload, serializer.validated_data["files"], new=True)

    @extend_schema(request=AnnounceFilesSerializer, responses={201: AnnouncedBulkUploadSerializer})
    @action(detail=True, methods=["post"])
    def files(self, request: Request, pk: UUID) -> Response:  # noqa: ARG002
        """Announce up to 100 more images of the same bulk upload."""
        upload = self.get_object()
        serializer = AnnounceFilesSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return self._announce(upload, serializer.validated_data["files"], new=False)

    @extend_schema(responses=BulkUploadProgressSerializer)
    def retrieve(self, request: Request, pk: UUID) -> Response:  # noqa: ARG002
        """How far it is: counts by state, and the first 100 that failed or were rejected, with the reason."""
        upload = self.get_object()
        found = _progress(upload, bulk.progress([upload.id])[upload.id])
        return Response(BulkUploadProgressSerializer({**found, "failures": bulk.failures(upload)}).data)

    @extend_schema(request=CompleteSerializer, responses={202: CompletedSerializer})
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, pk: UUID) -> Response:  # noqa: ARG002
        """Say of up to 100 receipts that their images are uploaded. Saying so twice does no harm."""
        upload = self.get_object()
        serializer = CompleteSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        with answered():
            completion = bulk.complete(upload, serializer.validated_data["receipts"])
        return Response(CompletedSerializer(asdict(completion)).data, status=status.HTTP_202_ACCEPTED)

    def _announce(self, upload: BulkUpload, files: list[dict[str, Any]], *, new: bool) -> Response:
        if files:
            admission.admit(upload.user, many=len(files), bulk=True)
        with answered():
            announced = bulk.announce(upload, files)
        with transaction.atomic():
            if new:
                upload.save(force_insert=True)
            Receipt.objects.bulk_create(one.receipt for one in announced)
        receipts = [
            {
                "id": one.receipt.id,
                "state": one.receipt.state,
                "file_name": one.receipt.file_name,
                "upload": asdict(one.form),
            }
            for one in announced
        ]
        answer = {"id": upload.id, "name": upload.name, "created_at": upload.created_at, "receipts": receipts}
        return Response(AnnouncedBulkUploadSerializer(answer).data, status=status.HTTP_201_CREATED)


def _progress(upload: BulkUpload, found: bulk.Progress) -> dict[str, Any]:
    return {
        "id": upload.id,
        "name": upload.name,
        "created_at": upload.created_at,
        "total": found.total,
        "done": found.done,
        "states": found.states,
    }
