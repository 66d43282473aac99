"""Access and refresh tokens. Refresh tokens form families: one login, one token valid at a time (RFC 9700, 4.14.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import RefreshToken

from accounts.models import TokenFamily, User

log = structlog.get_logger(__name__)
_FAMILY = "family"


@dataclass(frozen=True, kw_only=True)
class Pair:
    access: str
    refresh: str


def begin(user: User) -> Pair:
    """A new family: the user has just proved who they are."""
    token = RefreshToken.for_user(user)
    family = TokenFamily.objects.create(user=user, current_jti=token["jti"], expires_at=_expiry(token))
    return _pair(token, family)


def exchange(text: str) -> Pair:
    """The next pair of a family for its current refresh token.

    Raises AuthenticationFailed for a token that is forged, expired or of an ended family, and for one that was
    exchanged before, which ends its family: either the thief or the user holds the newer one, and we cannot tell.
    """
    old = _parse(text)
    with transaction.atomic():
        family = _locked(old)
        if family.current_jti != old["jti"]:
            _end(family, "replay")
            new = None
        else:
            new = RefreshToken.for_user(family.user)
            family.current_jti = new["jti"]
            family.expires_at = _expiry(new)
            family.save(update_fields=["current_jti", "expires_at"])
    # Raised outside of the transaction, which must not take the family's end back.
    if new is None:
        log.warning("refresh_token_replayed", family=str(family.id), user=str(family.user_id))
        raise AuthenticationFailed("This refresh token was used before; log in again.", code="token_replayed")
    return _pair(new, family)


def end(text: str) -> None:
    """Log out: no token of this family is good any more. Raises AuthenticationFailed for a bad token."""
    token = _parse(text)
    with transaction.atomic():
        _end(_locked(token), "logout")


def _parse(text: str) -> RefreshToken:
    try:
        return RefreshToken(text)  # type: ignore[arg-type]
    except TokenError as error:
        raise AuthenticationFailed("This refresh token is not valid.", code="token_not_valid") from error


def _locked(token: RefreshToken) -> TokenFamily:
    try:
        family = TokenFamily.objects.select_for_update(of=("self",)).select_related("user").get(id=token.get(_FAMILY))
    except (TokenFamily.DoesNotExist, ValueError) as error:
        raise AuthenticationFailed("This refresh token is not valid.", code="token_not_valid") from error
    if family.ended_at or not family.user.is_active:
        raise AuthenticationFailed("This session has ended; log in again.", code="session_ended")
    return family


def _end(family: TokenFamily, because: str) -> None:
    family.ended_at = timezone.now()
    family.ended_because = because
    family.save(update_fields=["ended_at", "ended_because"])


def _pair(token: RefreshToken, family: TokenFamily) -> Pair:
    token[_FAMILY] = str(family.id)
    return Pair(access=str(token.access_token), refresh=str(token))


def _expiry(token: RefreshToken) -> datetime:
    return datetime.fromtimestamp(token["exp"], tz=UTC)
