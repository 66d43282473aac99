"""Logging in with a password: guessing is slowed down, and nobody can use that to keep the owner out.

Failures are counted for each pair of account and address, and each one beyond a few doubles the wait, up to a minute.
A browser that logged in before carries a signed cookie and is counted for itself (OWASP, "Device Cookies"): however
many strangers guess at an account, its owner's browser does not wait for them. Without the cache nobody waits.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import time
from uuid import uuid4

import redis
import structlog
from django.conf import settings
from django.contrib.auth import authenticate
from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.models import User

FREE_TRIES = 5
LONGEST_WAIT = 60
"""Seconds. Longer ones would hurt a forgetful owner more than a guesser, who has other addresses and accounts."""

FORGET_SECONDS = 900
DEVICE_COOKIE = "device"
DEVICE_SECONDS = 365 * 24 * 3600
_SALT = "accounts.device"

log = structlog.get_logger(__name__)


def log_in(request: HttpRequest | Request, *, email: str, password: str) -> User:
    """The user of this address and password.

    Raises AuthenticationFailed, alike for a wrong password, an unknown address and a deactivated user, and Throttled,
    without looking at the password.
    """
    device = known_device(request, email)
    who = f"device:{device}" if device else f"{account(email)}:{BaseThrottle().get_ident(request)}"
    take_a_try(who)
    user = authenticate(request, email=email.strip().lower(), password=password)  # type: ignore[arg-type]
    if not isinstance(user, User):
        raise AuthenticationFailed("Wrong address or password.", code="bad_credentials")
    forgive(who)
    return user


def take_a_try(who: str) -> None:
    """Count a try, before it is known to fail: many at once count as many. Raises Throttled while `who` has to wait."""
    now = time.time()
    try:
        wait = float(cache.get(f"login:until:{who}", 0)) - now
        if wait > 0:
            raise Throttled(wait=math.ceil(wait))
        cache.add(f"login:tries:{who}", 0, FORGET_SECONDS)
        tries = cache.incr(f"login:tries:{who}")
        if tries >= FREE_TRIES:
            seconds = min(2 ** min(tries - FREE_TRIES, 30), LONGEST_WAIT)
            cache.set(f"login:until:{who}", now + seconds, FORGET_SECONDS)
    except ValueError:  # the count expired between the two calls
        return
    except (redis.ResponseError, redis.DataError) as error:  # not what we put there: it must not stay in the way
        log.warning("login_cache_spoilt", error=str(error))
        with contextlib.suppress(redis.RedisError):
            cache.delete_many([f"login:until:{who}", f"login:tries:{who}"])
    except redis.RedisError as error:
        log.warning("login_without_cache", error=str(error))


def forgive(who: str) -> None:
    """Forget the tries: the last one was right."""
    try:
        cache.delete_many([f"login:until:{who}", f"login:tries:{who}"])
    except redis.RedisError as error:
        log.warning("login_without_cache", error=str(error))


def remember_device(request: HttpRequest | Request, response: HttpResponseBase, *, email: str) -> None:
    """Let this browser be counted for itself from now on."""
    value = {"account": account(email), "device": known_device(request, email) or uuid4().hex}
    response.set_cookie(
        DEVICE_COOKIE,
        signing.dumps(value, salt=_SALT),
        max_age=DEVICE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def known_device(request: HttpRequest | Request, email: str) -> str | None:
    """The id of the browser that asks, if somebody logged in to this account with it before."""
    try:
        value = signing.loads(request.COOKIES.get(DEVICE_COOKIE, ""), salt=_SALT, max_age=DEVICE_SECONDS)
    except signing.BadSignature:
        return None
    return str(value["device"]) if value["account"] == account(email) else None


def account(email: str) -> str:
    """An account's name in the cache: addresses are personal data."""
    return hashlib.sha256(email.strip().lower().encode(errors="replace")).hexdigest()
