"""What was remembered of one's corrections."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from receipts import remembered
from receipts.models import RememberedCorrection
from receipts.serializers.corrections import AppliedSerializer, RememberedDetailSerializer, RememberedSerializer


class ByName(CursorPagination):
    ordering = ("printed",)
    page_size_query_param = "page_size"
    max_page_size = 100

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Raises NotFound for a cursor that we did not make and that PostgreSQL could not compare with."""
        cursor: Cursor | None = super().decode_cursor(request)
        if cursor is not None and "\x00" in (cursor.position or ""):
            raise NotFound(self.invalid_cursor_message)
        return cursor


class RememberedViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet[RememberedCorrection],
):
    """Merchants and categories that hold for every receipt printed alike; deleting one changes no receipt."""

    lookup_value_converter = "int"
    pagination_class = ByName
    queryset = RememberedCorrection.objects.none()

    def get_queryset(self) -> QuerySet[RememberedCorrection]:
        if getattr(self, "swagger_fake_view", False):
            return RememberedCorrection.objects.none()
        return RememberedCorrection.objects.filter(user=self.request.user)

    def get_serializer_class(self) -> type[RememberedSerializer]:
        return RememberedSerializer if self.action == "list" else RememberedDetailSerializer

    @extend_schema(request=None, responses=AppliedSerializer)
    @action(detail=True, methods=["post"])
    def apply(self, request: Request, pk: int) -> Response:  # noqa: ARG002
        """Put earlier receipts of the same printed merchant right, too, except those that somebody corrected."""
        return Response(AppliedSerializer({"changed": remembered.apply_to_earlier(self.get_object())}).data)
