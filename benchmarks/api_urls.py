"""The application's addresses, and what a plain Django REST framework ModelViewSet would be for the same data."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.urls import include, path
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from analytics.counted import counted
from analytics.serializers import SpendingSerializer
from analytics.spending import totals
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
        return self._spending(request, "month", TruncMonth("purchased_on"))

    @action(detail=False)
    def merchant(self, request: Request) -> Response:
        return self._spending(request, "merchant", F("merchant"))

    def _spending(self, request: Request, name: str, column: Any) -> Response:
        rows = (
            counted(request.user.pk)
            .values(group=column, code=F("currency"))
            .annotate(spent=Sum("total"), taxed=Sum("tax"), receipts=Count("id"))
            .order_by("group", "code")
        )
        results = [
            {
                "currency": row["code"],
                "total": row["spent"],
                "tax": row["taxed"],
                "receipts": row["receipts"],
                name: row["group"],
            }
            for row in rows
        ]
        found: Any = {"results": results, "totals": totals(results)}
        return Response(SpendingSerializer(found).data)


router = SimpleRouter()
router.register("receipts", PlainViewSet, basename="plain")
urlpatterns = [path("plain/", include(router.urls)), *ours]
assert issubclass(ReceiptSerializer, serializers.ModelSerializer)
