"""A receipt's pictures over HTTP, and what its owner says about a duplicate."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from receipts import duplicates, signing, storage
from receipts.models import CONTENT_TYPES, Duplicate, Receipt
from receipts.states import State
from receipts.views.errors import Conflict, answered

_WITHOUT_ORIGINAL = (State.AWAITING_UPLOAD, State.REJECTED)
_COLUMNS = ("id", "user_id", "state", "content_type", "width", "height", "pictures_at")


class ImagesSerializer(serializers.Serializer[Any]):
    """Null until a worker has made the pictures."""

    thumbnail = serializers.URLField(allow_null=True, help_text="JPEG, 320 pixels at the longest side.")
    photo = serializers.URLField(allow_null=True, help_text="JPEG, upright, without metadata.")
    width = serializers.IntegerField(allow_null=True, help_text="Pixels of the photo.")
    height = serializers.IntegerField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True, help_text="When both addresses end.")


class DecisionSerializer(serializers.Serializer[Any]):
    decision = serializers.ChoiceField(
        choices=[Duplicate.CONFIRMED.value, Duplicate.DISMISSED.value],
        help_text="A confirmed duplicate does not count any more; a dismissed one does.",
    )


class DuplicateSerializer(serializers.Serializer[Any]):
    duplicate = serializers.ChoiceField(choices=Duplicate.choices)
    duplicate_of = serializers.UUIDField(source="duplicate_of_id")


def _mine(request: Request, pk: UUID) -> Receipt:
    return get_object_or_404(Receipt.objects.filter(user=request.user).only(*_COLUMNS), id=pk)


class ImagesView(APIView):
    @extend_schema(responses={200: ImagesSerializer, 404: OpenApiResponse(description="No such receipt")})
    def get(self, request: Request, pk: UUID) -> Response:
        """Addresses of thumbnail and photo, for whoever holds them, until they end."""
        receipt = _mine(request, pk)
        with answered():
            found = signing.addresses(receipt)
        shown = {
            "thumbnail": found.thumbnail,
            "photo": found.photo,
            "width": receipt.width,
            "height": receipt.height,
            "expires_at": found.expires_at,
        }
        return Response(ImagesSerializer(shown).data)


class OriginalView(APIView):
    @extend_schema(
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            404: OpenApiResponse(description="No such receipt, or no image of it"),
            409: OpenApiResponse(description="Not uploaded, or rejected"),
        }
    )
    def get(self, request: Request, pk: UUID) -> StreamingHttpResponse:
        """Download the image as it was uploaded, metadata included: for its owner, as a file, never as a page."""
        receipt = _mine(request, pk)
        if receipt.state in _WITHOUT_ORIGINAL:
            raise Conflict(f"A receipt that is {receipt.state} has no image to give out.", code="no_image")
        try:
            with answered():
                pieces = storage.chunks(receipt.key)
        except storage.ObjectMissingError as error:
            raise NotFound("The image is not there any more.") from error
        ending = CONTENT_TYPES[receipt.content_type].lower()
        return StreamingHttpResponse(
            pieces,
            content_type="application/octet-stream",
            headers={
                "Content-Disposition": f'attachment; filename="{receipt.id}.{ending}"',
                "Cache-Control": "private, no-store",
            },
        )


class DuplicateView(APIView):
    @extend_schema(
        request=DecisionSerializer,
        responses={
            200: DuplicateSerializer,
            404: OpenApiResponse(description="No such receipt"),
            409: OpenApiResponse(description="Nobody suspects a duplicate"),
        },
    )
    def put(self, request: Request, pk: UUID) -> Response:
        """Say whether a suspected duplicate is one."""
        receipt = _mine(request, pk)
        serializer = DecisionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if not duplicates.decide(receipt, Duplicate(serializer.validated_data["decision"])):
            raise Conflict("This receipt is not suspected to be a duplicate.", code="no_duplicate")
        decided = Receipt.objects.only("duplicate", "duplicate_of_id").get(id=receipt.id)
        return Response(DuplicateSerializer(decided).data)
