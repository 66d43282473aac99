"""What the group `support` may look at, and no more: every call says why, and is in the audit log before the answer."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, mixins
from rest_framework.exceptions import NotFound
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import audit
from accounts.models import SUPPORT, AuditEntry, TokenFamily, User
from accounts.support_serializers import (
    AccessSerializer,
    FindUserSerializer,
    ReasonSerializer,
    SupportReceiptSerializer,
    SupportSessionSerializer,
    SupportUserSerializer,
)
from receipts.models import Receipt

M = TypeVar("M", bound=Model)


class IsSupport(BasePermission):
    message = "This is for the support staff."

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002
        return bool(
            request.user and request.user.is_authenticated and request.user.groups.filter(name=SUPPORT).exists()
        )


class FindUserView(APIView):
    permission_classes = (IsSupport,)

    @extend_schema(
        request=FindUserSerializer,
        responses={200: SupportUserSerializer, 404: OpenApiResponse(description="There is no such user.")},
    )
    def post(self, request: Request) -> Response:
        """The user of an exact address. No GET: addresses of web pages are logged, and those of people must not be."""
        asked = FindUserSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        found = User.objects.filter(email=asked.validated_data["email"].strip().lower()).first()
        reason = asked.validated_data["reason"]
        audit.record(request, action="support find user", subject_id=found.pk if found else None, reason=reason)
        if found is None:
            raise NotFound
        return Response(SupportUserSerializer(found).data)


class _OfUserView(generics.GenericAPIView[M]):
    """Something of one user's, named by the path."""

    permission_classes = (IsSupport,)
    filter_backends = ()
    audited_as: str

    def get_queryset(self) -> QuerySet[M]:
        assert self.queryset is not None  # noqa: S101  (each view below has one)
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()
        return self.queryset.filter(user_id=self.kwargs["user_id"])

    def check(self, request: Request, user_id: UUID) -> None:
        asked = ReasonSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        if not User.objects.filter(pk=user_id).exists():
            raise NotFound
        audit.record(request, action=self.audited_as, subject_id=user_id, reason=asked.validated_data["reason"])


class _ListView(mixins.ListModelMixin, _OfUserView[M]):
    @extend_schema(parameters=[ReasonSerializer])
    def get(self, request: Request, user_id: UUID) -> Response:
        self.check(request, user_id)
        return self.list(request)


class SupportReceiptsView(_ListView[Receipt]):
    """A user's receipts, newest first."""

    serializer_class = SupportReceiptSerializer
    queryset = Receipt.objects.defer("text")
    audited_as = "support list receipts"


class SupportSessionsView(_ListView[TokenFamily]):
    """A user's sessions, those that ended included."""

    serializer_class = SupportSessionSerializer
    queryset = TokenFamily.objects.all()
    audited_as = "support list sessions"


class SupportReceiptView(_OfUserView[Receipt]):
    serializer_class = SupportReceiptSerializer
    queryset = Receipt.objects.defer("text")
    audited_as = "support read receipt"

    @extend_schema(parameters=[ReasonSerializer])
    def get(self, request: Request, user_id: UUID, pk: UUID) -> Response:  # noqa: ARG002
        """One of a user's receipts."""
        self.check(request, user_id)
        return Response(self.get_serializer(self.get_object()).data)


class AccessesView(generics.ListAPIView[AuditEntry]):
    """When, and why, staff looked at one's data."""

    serializer_class = AccessSerializer
    queryset = AuditEntry.objects.none()
    filter_backends = ()

    def get_queryset(self) -> QuerySet[AuditEntry]:
        if getattr(self, "swagger_fake_view", False):
            return AuditEntry.objects.none()
        return AuditEntry.objects.filter(subject_id=self.request.user.pk)
