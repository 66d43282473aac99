"""Tokens signed by the key that their `kid` names, and checked strictly: anything odd is a TokenError."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, ClassVar

import jwt
from django.conf import settings
from rest_framework_simplejwt import tokens
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenError

from accounts.signing_keys import Key, ring

MAX_CHARACTERS = 2048
"""Ours have about 400. What is longer is not even decoded."""

_ALGORITHM = "HS256"
_REQUIRED = ["exp", "iat", "iss", "jti"]


class RotatingKeyBackend(TokenBackend):
    """Signs with the current key, verifies with the one that the token names, as long as that is known.

    The algorithm is ours alone to choose: what the token's header says has to equal it (RFC 8725, 3.1).
    """

    def encode(self, payload: dict[str, Any]) -> str:
        key = ring.current()
        claims = {**payload, "iss": self.issuer}
        return jwt.encode(claims, key.value, algorithm=_ALGORITHM, headers={"kid": key.id})

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """The claims of a good token. Raises TokenBackendError; `verify` is there for the base class's sake."""
        if not verify:
            raise TokenBackendError("Unverified tokens are not read here")
        if len(token) > MAX_CHARACTERS:
            raise TokenBackendError("Token is too long")
        try:
            raw = token.encode() if isinstance(token, str) else token
            keys = _keys(raw)
            if not keys:
                raise TokenBackendError("Token names no key that is known")
            for key in keys[:-1]:
                with suppress(jwt.InvalidSignatureError):
                    return self._claims(raw, key)
            return self._claims(raw, keys[-1])
        # The last two: a date that is none, and one beyond the calendar.
        except (jwt.InvalidTokenError, ValueError, OverflowError) as error:
            raise TokenBackendError("Token is invalid") from error

    def _claims(self, token: bytes, key: Key) -> dict[str, Any]:
        options: Any = {"require": _REQUIRED}
        return dict(jwt.decode(token, key.value, algorithms=[_ALGORITHM], issuer=self.issuer, options=options))


def _keys(token: bytes) -> Sequence[Key]:
    """The key that a token names, if it is known.

    The release before this one signs with the same secret and names none. Its tokens are good by any key that we know,
    so that a rollout logs nobody out; when it is gone, so shall this be (ADR 17).
    """
    key_id = _key_id(token.partition(b".")[0])
    if key_id is _UNNAMED:
        return ring.known()
    found = ring.find(key_id) if isinstance(key_id, str) and key_id else None
    return [found] if found else []


_UNNAMED = object()


@lru_cache(maxsize=16)
def _key_id(header: bytes) -> object:
    """What a token's header names as its key. All tokens of one key begin alike."""
    return jwt.get_unverified_header(header + b"..").get("kid", _UNNAMED)


_backend = RotatingKeyBackend(algorithm=_ALGORITHM, issuer=settings.SIMPLE_JWT["ISSUER"])


class _Checked(tokens.Token):
    """Claims of our own that are not what we write make a token invalid, as if it were forged."""

    _token_backend = _backend
    ours: ClassVar[tuple[str, ...]] = ("user_id", "family", "jti")

    def verify(self) -> None:
        try:
            super().verify()
        except (ValueError, OverflowError, TypeError) as error:
            raise TokenError("Token is invalid") from error
        if not all(isinstance(self.get(claim), str) for claim in self.ours):
            raise TokenError("Token lacks a claim")


class AccessToken(_Checked, tokens.AccessToken):
    pass


class RefreshToken(_Checked, tokens.RefreshToken):
    access_token_class = AccessToken
