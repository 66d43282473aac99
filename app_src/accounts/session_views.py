"""One's sessions: which there are, ending them, and a new password, which ends the others."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import login, tokens
from accounts.models import TokenFamily
from accounts.serializers import PasswordSerializer, SessionSerializer


class SessionsView(generics.ListAPIView[TokenFamily]):
    """The sessions that somebody may still be using, newest login first."""

    serializer_class = SessionSerializer
    queryset = TokenFamily.objects.none()
    filter_backends = ()

    def get_queryset(self) -> QuerySet[TokenFamily]:
        if getattr(self, "swagger_fake_view", False):
            return TokenFamily.objects.none()
        return tokens.active(self.request.user)

    def get_serializer_context(self) -> dict[str, Any]:
        current = self.request.auth["family"] if self.request.auth else None
        return {**super().get_serializer_context(), "current": current}


class SessionView(generics.GenericAPIView[TokenFamily]):
    queryset = TokenFamily.objects.none()

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        """End one session: its tokens are worth nothing from now on."""
        if not tokens.end_one(request.user, pk):
            raise NotFound
        return Response(status=status.HTTP_204_NO_CONTENT)


class LogoutEverywhereView(APIView):
    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """End all sessions, this one and those of the web pages included."""
        tokens.end_all(request.user, because="everywhere")
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordView(APIView):
    @extend_schema(request=PasswordSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Change the password. All sessions end but this one: whoever knew the old password is out."""
        serializer = PasswordSerializer(data=request.data, context={"user": request.user})
        serializer.is_valid(raise_exception=True)
        # Somebody with a stolen access token does not get to guess the password here.
        who = f"password:{request.user.pk}"
        login.take_a_try(who)
        if not request.user.check_password(serializer.validated_data["old_password"]):
            raise ValidationError({"old_password": ["This is not your password."]})
        login.forgive(who)
        tokens.change_password(
            request.user, serializer.validated_data["new_password"], but=UUID(request.auth["family"])
        )
        return Response(status=status.HTTP_204_NO_CONTENT)
