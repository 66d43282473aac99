"""Where the money goes: read from the replica, and kept until something changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from analytics.comparison import comparison
from analytics.figures import figures
from analytics.months import month_of, today
from analytics.recurring import recurring
from analytics.serializers import (
    ComparisonSerializer,
    MonthSerializer,
    NothingSerializer,
    PeriodSerializer,
    RecurringSerializer,
    SpendingSerializer,
)
from analytics.spending import Grouping, spending


class FiguresView(APIView):
    """Figures that depend on the user's rows and on the parameters alone."""

    name: str
    parameters_class: ClassVar[type[Serializer[Any]]] = NothingSerializer

    def get(self, request: Request) -> HttpResponse:
        parameters: dict[str, Any] = {}
        if request.query_params:
            serializer = self.parameters_class(data=request.query_params)
            serializer.is_valid(raise_exception=True)
            parameters = dict(serializer.validated_data)
        parameters = self.settled(parameters)
        user_id = request.user.pk
        body, source = figures(
            user_id=user_id, name=self.name, parameters=parameters, compute=self.compute(user_id, parameters)
        )
        # Which database answered is nobody's secret, and the first question when two pages disagree.
        return HttpResponse(body, content_type="application/json", headers={"X-Read-From": source})

    def settled(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """With everything that the figures depend on, be it today's date."""
        return parameters

    def compute(self, user_id: UUID, parameters: dict[str, Any]) -> Callable[[], object]:
        raise NotImplementedError


@extend_schema_view(get=extend_schema(parameters=[PeriodSerializer], responses=SpendingSerializer))
class SpendingView(FiguresView):
    """Spending by month, day, category, merchant or tax rate."""

    parameters_class = PeriodSerializer
    grouping: Grouping = Grouping.MONTH

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.grouping.value

    def compute(self, user_id: UUID, parameters: dict[str, Any]) -> Callable[[], object]:
        return lambda: spending(user_id=user_id, by=self.grouping, **parameters)


@extend_schema_view(get=extend_schema(parameters=[MonthSerializer], responses=ComparisonSerializer))
class ComparisonView(FiguresView):
    """One month beside the one before it, by category."""

    name = "comparison"
    parameters_class = MonthSerializer

    def settled(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return {"month": month_of(parameters.get("month") or today())}

    def compute(self, user_id: UUID, parameters: dict[str, Any]) -> Callable[[], object]:
        return lambda: comparison(user_id=user_id, **parameters)


@extend_schema_view(get=extend_schema(responses=RecurringSerializer))
class RecurringView(FiguresView):
    """Expenses that come again and again, and when the next one is expected."""

    name = "recurring"

    def settled(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        return {"today": today()}

    def compute(self, user_id: UUID, parameters: dict[str, Any]) -> Callable[[], object]:
        return lambda: recurring(user_id=user_id, **parameters)
