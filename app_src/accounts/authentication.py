"""Who asks, by the access token: a user who is active, in a session that has not ended.

The session's row is read in place of the user's, with the user joined: one query by primary key, as without sessions.
So an ended session's access tokens are refused at once, by the database's own word, and there is no list of ended
sessions to keep in a cache and to lose.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError

from accounts.jwt import AccessToken
from accounts.models import TokenFamily, User


class SessionAuthentication(JWTAuthentication):
    def get_header(self, request: Any) -> bytes | None:
        try:
            return super().get_header(request)
        except UnicodeEncodeError:
            return b"Bearer -"  # a server never lets such a header through, Django's test client does

    def get_validated_token(self, raw_token: bytes) -> AccessToken:
        try:
            return AccessToken(raw_token)  # type: ignore[arg-type]
        except TokenError as error:
            raise AuthenticationFailed("This token is not valid.", code="token_not_valid") from error

    def get_user(self, validated_token: Any) -> User:
        try:
            family = TokenFamily.objects.select_related("user").get(id=validated_token["family"])
        except (TokenFamily.DoesNotExist, ValidationError, ValueError) as error:
            raise AuthenticationFailed("This token is not valid.", code="token_not_valid") from error
        if str(family.user_id) != validated_token["user_id"]:
            raise AuthenticationFailed("This token is not valid.", code="token_not_valid")
        if family.ended_at or not family.user.is_active:
            raise AuthenticationFailed("This session has ended; log in again.", code="session_ended")
        return family.user


class SessionScheme(SimpleJWTScheme):
    target_class = SessionAuthentication
