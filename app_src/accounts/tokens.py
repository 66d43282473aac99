"""Sessions. Refresh tokens form families: one login, one token valid at a time (RFC 9700, 4.14.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import TokenError

from accounts.jwt import RefreshToken
from accounts.models import USER_AGENT_CHARACTERS, TokenFamily, User

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Pair:
    access: str
    refresh: str


def begin(user: User, *, user_agent: str = "") -> Pair:
    """A new family: the user has just proved who they are."""
    token: RefreshToken = RefreshToken.for_user(user)
    family = TokenFamily.objects.create(
        user=user, current_jti=token["jti"], expires_at=_expiry(token), user_agent=_printable(user_agent)
    )
    return _pair(token, family)


def exchange(text: str, *, user_agent: str = "") -> Pair:
    """The next pair of a family for its current refresh token.

    Raises AuthenticationFailed for a token that is forged, expired or of an ended family, and for one that was
    exchanged before, which ends its family: either the thief or the user holds the newer one, and we cannot tell.
    Only who asked before the exchange was done is refused and no more: that is one browser asking twice at once.
    """
    arrived = timezone.now()
    old = _parse(text)
    with transaction.atomic():
        family = _locked(old)
        if family.current_jti == old["jti"]:
            outcome: RefreshToken | str = _advance(family, user_agent=user_agent)
        elif family.previous_jti == old["jti"] and family.last_used_at and arrived <= family.last_used_at:
            outcome = "simultaneous"
        else:
            _end(TokenFamily.objects.filter(id=family.id), "replay")
            outcome = "replay"
    # Raised outside of the transaction, which must not take the family's end back.
    if outcome == "replay":
        log.warning("refresh_token_replayed", family=str(family.id), user=str(family.user_id))
        raise AuthenticationFailed("This refresh token was used before; log in again.", code="token_replayed")
    if isinstance(outcome, str):
        raise AuthenticationFailed("This refresh token is being used by another request.", code="token_in_use")
    return _pair(outcome, family)


def end(text: str) -> None:
    """Log out: no token of this family is good any more. Raises AuthenticationFailed for a bad token."""
    token = _parse(text)
    with transaction.atomic():
        _end(TokenFamily.objects.filter(id=_locked(token).id), "logout")


def active(user: User) -> QuerySet[TokenFamily]:
    """The user's sessions that somebody may still be using."""
    return TokenFamily.objects.filter(user=user, ended_at=None, expires_at__gt=timezone.now())


def end_one(user: User, family_id: UUID) -> bool:
    """End one of the user's sessions. Whether there was one of this id."""
    return _end(active(user).filter(id=family_id), "ended by user") > 0


def end_all(user: User, *, because: str, but: UUID | None = None) -> int:
    """End all of the user's sessions, those of the web pages included, but for one family. Returns how many families.

    The caller of the web pages keeps its own by `update_session_auth_hash`.
    """
    with transaction.atomic():
        User.objects.filter(id=user.id).update(session_epoch=F("session_epoch") + 1)
        user.refresh_from_db(fields=["session_epoch"])
        return _end(active(user).exclude(id=but), because)


def change_password(user: User, password: str, *, but: UUID | None = None) -> None:
    """Set it, and end all sessions but one: a session must not outlive the password that it was begun with."""
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        end_all(user, because="password", but=but)


def _parse(text: str) -> RefreshToken:
    try:
        return RefreshToken(text)  # type: ignore[arg-type]
    except TokenError as error:
        raise AuthenticationFailed("This refresh token is not valid.", code="token_not_valid") from error


def _locked(token: RefreshToken) -> TokenFamily:
    """The token's family, locked: of several exchanges at once, one comes first."""
    try:
        family = TokenFamily.objects.select_for_update(of=("self",)).select_related("user").get(id=token["family"])
    except (TokenFamily.DoesNotExist, ValidationError) as error:
        raise AuthenticationFailed("This refresh token is not valid.", code="token_not_valid") from error
    if str(family.user_id) != token["user_id"]:
        raise AuthenticationFailed("This refresh token is not valid.", code="token_not_valid")
    if family.ended_at or not family.user.is_active:
        raise AuthenticationFailed("This session has ended; log in again.", code="session_ended")
    return family


def _advance(family: TokenFamily, *, user_agent: str) -> RefreshToken:
    new: RefreshToken = RefreshToken.for_user(family.user)
    family.previous_jti, family.current_jti = family.current_jti, new["jti"]
    family.expires_at = _expiry(new)
    family.last_used_at = timezone.now()
    family.user_agent = _printable(user_agent) or family.user_agent
    family.save(update_fields=["previous_jti", "current_jti", "expires_at", "last_used_at", "user_agent"])
    return new


def _end(families: QuerySet[TokenFamily], because: str) -> int:
    return families.update(ended_at=timezone.now(), ended_because=because)


def _pair(token: RefreshToken, family: TokenFamily) -> Pair:
    token["family"] = str(family.id)
    return Pair(access=str(token.access_token), refresh=str(token))


def _expiry(token: RefreshToken) -> datetime:
    return datetime.fromtimestamp(token["exp"], tz=UTC)


def _printable(user_agent: str) -> str:
    return "".join(filter(str.isprintable, user_agent))[:USER_AGENT_CHARACTERS]
