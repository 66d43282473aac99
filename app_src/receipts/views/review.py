"""The review queue, as a list and one receipt at a time."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from structlog.contextvars import bind_contextvars

from receipts import review
from receipts.models import Receipt
from receipts.serializers.review import (
    CountsSerializer,
    KindsSerializer,
    PlaceSerializer,
    ReviewPageSerializer,
    ReviewSerializer,
)
from spendsmart.pagination import NewestFirst


class OldestFirst(NewestFirst):
    ordering = ("created_at", "id")


class ReviewView(APIView):
    """Receipts that need a person."""

    @extend_schema(operation_id="receipts_review_list", parameters=[KindsSerializer], responses=ReviewPageSerializer)
    def get(self, request: Request) -> Response:
        """Receipts that need a person, oldest first, in pages as everywhere."""
        queue = review.pending(request.user.pk, _kinds(request))
        paginator = OldestFirst()
        page = paginator.paginate_queryset(queue.prefetch_related("items").defer("text", "boxes"), request, view=self)
        answer = {
            "next": paginator.get_next_link(),
            "previous": paginator.get_previous_link(),
            "count": queue.count(),
            "counts": CountsSerializer(review.counts(request.user.pk)).data,
            "results": ReviewSerializer(page, many=True).data,
        }
        return Response(answer)


class ReviewPlaceView(APIView):
    """One receipt at a time."""

    @extend_schema(operation_id="receipts_review_retrieve", parameters=[KindsSerializer], responses=PlaceSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """One receipt and its neighbours in the queue, also when it is not in the queue any more."""
        kinds = _kinds(request)
        receipt = Receipt.objects.filter(user=request.user, pk=pk).prefetch_related("items").first()
        if receipt is None:
            raise Http404
        bind_contextvars(receipt=str(receipt.id))
        place = review.place(receipt, kinds)
        answer = {"receipt": receipt, "previous": place.previous, "next": place.next, "left": place.left}
        return Response(PlaceSerializer(answer).data)


def _kinds(request: Request) -> tuple[review.Kind, ...]:
    serializer = KindsSerializer(data=request.query_params)
    serializer.is_valid(raise_exception=True)
    asked = serializer.validated_data.get("kind")
    return tuple(review.Kind(kind) for kind in sorted(asked)) if asked else review.QUEUE
