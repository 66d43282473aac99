"""Budgets and their alerts over HTTP. Every query starts from the user's own: another's does not exist here."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from analytics.budgets import with_spent
from analytics.models import Budget, BudgetAlert
from analytics.months import today
from analytics.serializers import BudgetAlertSerializer, BudgetSerializer
from spendsmart.plain_rows import PlainListMixin

MOST = 200
"""Budgets that one person can have: more than there are categories, in a few currencies."""


class BudgetViewSet(viewsets.ModelViewSet[Budget]):
    """Create, list, read, change and delete one's budgets, each with what is spent of it this month."""

    serializer_class = BudgetSerializer
    lookup_value_converter = "uuid"
    queryset = Budget.objects.none()

    def get_queryset(self) -> QuerySet[Budget]:
        if getattr(self, "swagger_fake_view", False):
            return Budget.objects.none()
        return with_spent(Budget.objects.filter(user_id=self.request.user.pk), today())

    def perform_create(self, serializer: BaseSerializer[Budget]) -> None:
        if Budget.objects.filter(user_id=self.request.user.pk).count() >= MOST:
            raise ValidationError({"non_field_errors": [f"There can be {MOST} budgets at most."]}, code="too_many")
        self._save(serializer, user=self.request.user)

    def perform_update(self, serializer: BaseSerializer[Budget]) -> None:
        self._save(serializer)

    def _save(self, serializer: BaseSerializer[Budget], **fields: Any) -> None:
        try:
            with transaction.atomic():
                saved = serializer.save(**fields)
        except IntegrityError as error:
            taken = "There is a budget for this category and currency already."
            raise ValidationError({"category": [taken]}, code="unique") from error
        # As it is in the list, with what is spent.
        serializer.instance = self.get_queryset().get(pk=saved.pk)


class BudgetAlertViewSet(
    PlainListMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[BudgetAlert]
):
    """What to tell somebody about their budgets, newest first; what they dismissed does not come back."""

    serializer_class = BudgetAlertSerializer
    lookup_value_converter = "uuid"
    queryset = BudgetAlert.objects.none()

    def get_queryset(self) -> QuerySet[BudgetAlert]:
        if getattr(self, "swagger_fake_view", False):
            return BudgetAlert.objects.none()
        alerts = BudgetAlert.objects.filter(user_id=self.request.user.pk).select_related("budget")
        return alerts.filter(dismissed_at=None) if self.action == "list" else alerts

    @extend_schema(request=None, responses=BudgetAlertSerializer)
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, pk: Any) -> Response:  # noqa: ARG002
        """Take note of it. Doing so twice does no harm."""
        alert = self.get_object()
        if alert.dismissed_at is None:
            BudgetAlert.objects.filter(pk=alert.pk, dismissed_at=None).update(dismissed_at=timezone.now())
            alert.refresh_from_db()
        return Response(self.get_serializer(alert).data)
