"""Register, log in, exchange a refresh token, log out, and who am I."""

from __future__ import annotations

from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import login, registration, tokens
from accounts.serializers import (
    LoginSerializer,
    PairSerializer,
    RefreshSerializer,
    RegisteredSerializer,
    RegisterSerializer,
    UserSerializer,
)
from accounts.throttles import AccountThrottle, AddressThrottle


def user_agent(request: Request) -> str:
    return str(request.headers.get("User-Agent", ""))


class PublicView(APIView):
    """For people who are not logged in."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get_authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        # Without one, Django REST framework answers wrong credentials with 403 instead of 401.
        return 'Bearer realm="spendsmart"'


class RegisterView(PublicView):
    throttle_classes = (AddressThrottle, AccountThrottle)

    @extend_schema(request=RegisterSerializer, responses={201: RegisteredSerializer})
    def post(self, request: Request) -> Response:
        """Log in next: the answer does not tell whether there was an account with this address before."""
        serializer = RegisterSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        registration.register(**serializer.validated_data)
        answer = RegisteredSerializer({"email": serializer.validated_data["email"]})
        return Response(answer.data, status=status.HTTP_201_CREATED)


class LoginView(PublicView):
    throttle_classes = (AddressThrottle, AccountThrottle)

    @extend_schema(request=LoginSerializer, responses=PairSerializer)
    def post(self, request: Request) -> Response:
        serializer = LoginSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        user = login.log_in(request, email=given["email"], password=given["password"])
        response = Response(asdict(tokens.begin(user, user_agent=user_agent(request))))
        login.remember_device(request, response, email=given["email"])
        return response


class RefreshView(PublicView):
    @extend_schema(request=RefreshSerializer, responses=PairSerializer)
    def post(self, request: Request) -> Response:
        serializer = RefreshSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        pair = tokens.exchange(serializer.validated_data["refresh"], user_agent=user_agent(request))
        return Response(asdict(pair))


class LogoutView(PublicView):
    @extend_schema(request=RefreshSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        serializer = RefreshSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        tokens.end(serializer.validated_data["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(APIView):
    @extend_schema(responses=UserSerializer)
    def get(self, request: Request) -> Response:
        return Response(UserSerializer(request.user).data)
