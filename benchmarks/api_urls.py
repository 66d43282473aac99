"""The application's addresses, and what a plain Django REST framework ModelViewSet would be for the same data."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import include, path
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from analytics.serializers import SpendingSerializer
from analytics.spending import Grouping, spending
from receipts.filters import ReceiptFilter
from receipts.models import Receipt
from receipts.serializers import ReceiptSerializer
from spendsmart.urls import urlpatterns as ours


class PlainViewSet(viewsets.ModelViewSet):
    """As the tutorial has it, with the lines prefetched."""

    serializer_class = ReceiptSerializer
    filterset_class = ReceiptFilter
    queryset = Receipt.objects.none()

    def get_queryset(self) -> QuerySet[Receipt]:
        return Receipt.objects.filter(user=self.request.user).prefetch_related("items").defer("text")

    @action(detail=False)
    def month(self, request: Request) -> Response:
        found: Any = spending(user_id=request.user.pk, by=Grouping.MONTH)
        return Response(SpendingSerializer(found).data)


router = SimpleRouter()
router.register("receipts", PlainViewSet, basename="plain")
urlpatterns = [*ours, path("plain/", include(router.urls))]
assert issubclass(ReceiptSerializer, serializers.ModelSerializer)
