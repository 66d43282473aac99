"""Who asks, by the access token: a user who is active, in a session that has not ended.

The session's row is read in place of the user's, with the user joined: one query by primary key, as without sessions.
Every request asks it, so it is put together once.
So an ended session's access tokens are refused at once, by the database's own word, and there is no list of ended
sessions to keep in a cache and to lose.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError

from accounts.jwt import AccessToken
from accounts.models import TokenFamily, User
from spendsmart.statements import Statement

_USER = [field.attname for field in User._meta.concrete_fields]


def _session(family: UUID) -> QuerySet[TokenFamily, Any]:
    return TokenFamily.objects.filter(id=family).values_list("ended_at", *(f"user__{name}" for name in _USER))


_SESSION = Statement(_session, family=UUID)


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
            ((ended_at, *values),) = _SESSION.rows(family=UUID(validated_token["family"]))
        except ValueError as error:  # no UUID, or no row
            raise AuthenticationFailed("This token is not valid.", code="token_not_valid") from error
        user = User.from_db("default", _USER, values)
        if str(user.pk) != validated_token["user_id"]:
            raise AuthenticationFailed("This token is not valid.", code="token_not_valid")
        if ended_at or not user.is_active:
            raise AuthenticationFailed("This session has ended; log in again.", code="session_ended")
        return user


class SessionScheme(SimpleJWTScheme):
    target_class = SessionAuthentication
