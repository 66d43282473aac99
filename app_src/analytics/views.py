"""Where the money goes: read from the replica."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.serializers import PeriodSerializer, SpendingSerializer
from analytics.spending import Grouping, spending
from spendsmart.database import from_replica


class SpendingView(APIView):
    """Spending by month, category or merchant."""

    grouping: Grouping = Grouping.MONTH

    @extend_schema(parameters=[PeriodSerializer], responses=SpendingSerializer)
    def get(self, request: Request) -> Response:
        period = PeriodSerializer(data=request.query_params)
        period.is_valid(raise_exception=True)
        found, alias = from_replica(
            request.user.pk, lambda: spending(user_id=request.user.pk, by=self.grouping, **period.validated_data)
        )
        # Which database answered is nobody's secret, and the first question when two pages disagree.
        return Response(SpendingSerializer(found).data, headers={"X-Read-From": alias})
