"""Tokens that we did not make, or not for this: each is refused with 401, as an access and as a refresh token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from rest_framework.test import APIClient

from accounts import tokens
from accounts.jwt import MAX_CHARACTERS
from accounts.models import TokenFamily
from accounts.signing_keys import Key, ring

Claims = dict[str, Any]
PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC_PEM = PRIVATE.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
PRIVATE_PEM = PRIVATE.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: object, claims: object, key: str | bytes | None = None, *, by: Any = hashlib.sha256) -> str:
    """A token of this header and these claims, by our own key unless another is given. No library checks them."""
    body = f"{part(header)}.{part(claims)}"
    secret = ring.current().value if key is None else key
    digest = hmac.new(secret.encode() if isinstance(secret, str) else secret, body.encode(), by).digest()
    return f"{body}.{part(digest)}"


def ours(**more: Any) -> dict[str, Any]:
    return {"alg": "HS256", "typ": "JWT", "kid": ring.current().id} | more


def without(header: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in header.items() if key != name}


def with_kid(kid: object) -> Callable[[Claims], str]:
    return lambda claims: signed(ours(kid=kid), claims)


def with_claims(**changed: Any) -> Callable[[Claims], str]:
    """Rightly signed: what we would never put in is refused although the signature is good."""
    return lambda claims: signed(ours(), claims | changed)


def lacking(name: str) -> Callable[[Claims], str]:
    return lambda claims: signed(ours(), without(claims, name))


def altered(claims: Claims) -> str:
    head, _, signature = signed(ours(), claims).split(".")
    return f"{head}.{part(claims | {'user_id': str(uuid4())})}.{signature}"


NESTED = b"[" * 1150
"""Deeper than Python's stack, and short enough to be decoded: a parser gives up before it sees that nothing closes."""


FORGED: dict[str, Callable[[Claims], str]] = {
    "alg none": lambda c: f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(c)}.",
    "alg none with our kid": lambda c: f"{part(ours(alg='none'))}.{part(c)}.",
    "alg None, our signature": lambda c: signed(ours(alg="None"), c),
    "alg nOnE": lambda c: f"{part(ours(alg='nOnE'))}.{part(c)}.",
    "alg empty": lambda c: signed(ours(alg=""), c),
    "alg a list": lambda c: signed(ours(alg=["HS256"]), c),
    "alg null": lambda c: signed(ours(alg=None), c),
    "no alg": lambda c: signed(without(ours(), "alg"), c),
    "alg HS512 over a key of one's own": lambda c: jwt.encode(c, "k" * 64, "HS512", headers={"kid": ring.current().id}),
    "alg HS384 said, HS256 done": lambda c: signed(ours(alg="HS384"), c),
    "RS256 by a key of one's own": lambda c: jwt.encode(c, PRIVATE_PEM, "RS256", headers={"kid": ring.current().id}),
    "RS256 with its public key as jwk": lambda c: jwt.encode(
        c, PRIVATE_PEM, "RS256", headers={"kid": ring.current().id, "jwk": {"kty": "RSA", "n": "x", "e": "AQAB"}}
    ),
    "RS256 from a URL": lambda c: jwt.encode(
        c, PRIVATE_PEM, "RS256", headers={"kid": ring.current().id, "jku": "http://127.0.0.1:1/keys"}
    ),
    "HS256 with a public key as the secret": lambda c: signed(ours(), c, PUBLIC_PEM),
    "signed with the key's id": lambda c: signed(ours(), c, ring.current().id),
    "signed with nothing": lambda c: signed(ours(), c, b""),
    "signed with Django's key": lambda c: signed(ours(), c, "django-secret-key-of-the-tests-0123456789-0123456789"),
    "kid path traversal": lambda c: signed(ours(kid="../../../../dev/null"), c, b""),
    "kid SQL": lambda c: signed(ours(kid="x' UNION SELECT 'known' --"), c, b"known"),
    "kid a command": lambda c: signed(ours(kid="|id"), c, b""),
    "kid a URL": with_kid("http://127.0.0.1:1/key"),
    "kid unknown": with_kid(str(uuid4())),
    "kid empty": with_kid(""),
    "kid null": with_kid(None),
    "kid an array": lambda c: signed(ours(kid=[ring.current().id]), c),
    "kid an object": with_kid({"id": "x"}),
    "kid a number": with_kid(1),
    "kid with a null byte": lambda c: signed(ours(kid=ring.current().id + "\x00"), c),
    "kid half a surrogate": with_kid("\ud800"),
    "kid long": with_kid("k" * 900),
    "kid AWSCURRENT": with_kid("AWSCURRENT"),
    "no kid, by a key of one's own": lambda c: signed(without(ours(), "kid"), c, "k" * 64),
    "no kid, signed with nothing": lambda c: signed(without(ours(), "kid"), c, b""),
    "no kid, alg none": lambda c: f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(c)}.",
    "no kid, HS512 by our key": lambda c: signed({"alg": "HS512", "typ": "JWT"}, c, by=hashlib.sha512),
    "no kid, with a public key as the secret": lambda c: signed(without(ours(), "kid"), c, PUBLIC_PEM),
    "no kid, expired": lambda c: signed(without(ours(), "kid"), c | {"exp": int(time.time()) - 1}),
    "header no object": lambda c: signed(["HS256"], c),
    "header nested": lambda _: signed(NESTED, {}),
    "header nested in kid": lambda _: signed(b'{"alg":"HS256","kid":' + NESTED, {}),
    "header not JSON": lambda c: signed(b"\xff\xfe", c),
    "header that says critical": lambda c: signed(ours(crit=["exp"]), c),
    "header that says not base64": lambda c: signed(ours(b64=False, crit=["b64"]), c),
    "claims no object": lambda _: signed(ours(), ["user_id"]),
    "claims not JSON": lambda _: signed(ours(), b"\xff\xfe"),
    "claims nested": lambda _: signed(ours(), NESTED),
    "altered payload": altered,
    "signature cut": lambda c: signed(ours(), c)[:-3],
    "signature empty": lambda c: signed(ours(), c).rpartition(".")[0] + ".",
    "signature of nothing": lambda c: f"{part(ours())}.{part(c)}.{part(b'')}",
    "two parts": lambda c: signed(ours(), c).rpartition(".")[0],
    "four parts": lambda c: signed(ours(), c) + ".x",
    "five parts, as encrypted": lambda _: ".".join([part({"alg": "dir", "enc": "A256GCM"}), "", "x", "y", "z"]),
    "huge": lambda c: signed(ours(), c | {"more": "x" * 1_000_000}),
    "a little too long": lambda c: signed(ours(), c | {"more": "x" * MAX_CHARACTERS}),
    "huge and empty": lambda _: "." * 100_000,
    "expired": with_claims(exp=int(time.time()) - 1),
    "expired long ago": with_claims(exp=0),
    "exp before time": with_claims(exp=-(10**15)),
    "exp beyond the calendar": with_claims(exp=10**15),
    "exp endless": lambda c: signed(ours(), json.dumps(c).replace(str(c["exp"]), "1e999").encode()),
    "exp a word": with_claims(exp="never"),
    "exp null": with_claims(exp=None),
    "exp a list": with_claims(exp=[2**40]),
    "not yet valid": with_claims(nbf=int(time.time()) + 600),
    "nbf a word": with_claims(nbf="now"),
    "issued in the future": with_claims(iat=int(time.time()) + 600),
    "issuer of another environment": with_claims(iss="spendsmart-prod"),
    "issuer wrong": with_claims(iss="https://accounts.example.com"),
    "issuer a list": with_claims(iss=["spendsmart-test"]),
    "issuer empty": with_claims(iss=""),
    "for another audience": with_claims(aud="another service"),
    "no issuer": lacking("iss"),
    "no exp": lacking("exp"),
    "no iat": lacking("iat"),
    "no jti": lacking("jti"),
    "no type": lacking("token_type"),
    "no user": lacking("user_id"),
    "no family": lacking("family"),
    "jti a list": with_claims(jti=["x"]),
    "type unknown": with_claims(token_type="sliding"),
    "type a list": with_claims(token_type=["access", "refresh"]),
    "user unknown": with_claims(user_id=str(uuid4())),
    "user no id": with_claims(user_id="' OR 1=1 --"),
    "user a number": with_claims(user_id=1),
    "user null": with_claims(user_id=None),
    "family unknown": with_claims(family=str(uuid4())),
    "family no id": with_claims(family="../.."),
    "family a list": with_claims(family=[]),
    "family a null byte": with_claims(family="\x00"),
    "words": lambda _: "not a token",
    "empty": lambda _: "",
    "dots": lambda _: "..",
    "null bytes": lambda _: "\x00\x00.\x00.\x00",
    "not ASCII": lambda _: "é.é.é",
    "beyond Latin-1": lambda _: "€.€.€",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Session:
    pair: tokens.Pair

    def claims(self, kind: str) -> Claims:
        """The claims of a good token of this session, to be put into a bad one."""
        return jwt.decode(getattr(self.pair, kind), options={"verify_signature": False})


@pytest.fixture
def session(user) -> Session:
    return Session(pair=tokens.begin(user))


def as_access(token: str) -> int:
    return APIClient().get("/api/v1/auth/me/", HTTP_AUTHORIZATION=f"Bearer {token}").status_code


def as_refresh(token: str, *, path: str = "refresh") -> int:
    return APIClient().post(f"/api/v1/auth/{path}/", {"refresh": token}, format="json").status_code


def test_claims_that_are_signed_rightly_are_taken(session: Session) -> None:
    """Or the refusals below would say nothing."""
    assert as_access(signed(ours(), session.claims("access"))) == 200
    assert as_refresh(signed(ours(), session.claims("refresh"))) == 200


def test_a_token_that_names_no_key_is_good_by_either_of_ours_and_no_other(session: Session, monkeypatch) -> None:
    """As the release before this one makes them."""
    current, earlier = ring.current(), Key(id=str(uuid4()), value="e" * 64)
    unnamed, claims = without(ours(), "kid"), session.claims("access")
    assert as_access(signed(unnamed, claims, earlier.value)) == 401
    monkeypatch.setattr(ring, "_keys", (current, earlier))
    assert as_access(signed(unnamed, claims, current.value)) == as_access(signed(unnamed, claims, earlier.value)) == 200
    assert as_access(signed(unnamed, claims, "f" * 64)) == 401
    assert as_access(signed(unnamed, claims | {"exp": 1}, earlier.value)) == 401
    assert as_access(signed(ours(), claims, earlier.value)) == 401


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_access_token_is_refused(session: Session, name: str) -> None:
    assert as_access(FORGED[name](session.claims("access"))) == 401


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_refresh_token_is_refused_and_ends_nothing(session: Session, name: str) -> None:
    token = FORGED[name](session.claims("refresh"))
    # What is no token at all by its length or letters is a bad request before it is a bad token.
    refused = {400, 401, 413} if not token or len(token) > 100_000 or "\x00" in token else {401}
    assert as_refresh(token) in refused
    assert as_refresh(token, path="logout") in refused
    assert TokenFamily.objects.get().ended_at is None
    assert as_refresh(session.pair.refresh) == 200


def test_a_token_is_good_for_its_own_purpose_only(session: Session) -> None:
    assert as_access(session.pair.refresh) == 401
    assert as_refresh(session.pair.access) == 401
    for kind, wrong in (("access", "refresh"), ("refresh", "access")):
        claims = session.claims(kind) | {"token_type": wrong}
        assert (as_access if wrong == "refresh" else as_refresh)(signed(ours(), claims)) == 401


def test_another_users_id_in_ones_own_session_is_refused(session: Session, make_user) -> None:
    other = make_user("bob@example.com")
    assert as_access(signed(ours(), session.claims("access") | {"user_id": str(other.id)})) == 401


def test_a_replayed_refresh_token_is_refused_and_so_are_its_descendants(session: Session) -> None:
    newer = APIClient().post("/api/v1/auth/refresh/", {"refresh": session.pair.refresh}, format="json").json()
    assert as_access(newer["access"]) == 200
    assert as_refresh(session.pair.refresh) == 401
    assert as_refresh(newer["refresh"]) == 401
    assert as_access(newer["access"]) == 401


@pytest.mark.parametrize("header", ["Bearer", "Bearer  ", "bearer x", "Bearer a b", "Basic YTpi", "JWT x", "\x00", ""])
def test_other_headers_are_no_way_in(session: Session, header: str) -> None:
    assert APIClient().get("/api/v1/auth/me/", HTTP_AUTHORIZATION=header).status_code == 401


def test_every_signature_by_our_key_and_no_other_is_taken(session: Session) -> None:
    head, body, signature = session.pair.access.split(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "="))
    for at in range(len(raw)):
        raw[at] ^= 1
        assert as_access(f"{head}.{body}.{part(bytes(raw))}") == 401
        raw[at] ^= 1
    assert as_access(f"{head}.{body}.{part(bytes(raw))}") == 200
