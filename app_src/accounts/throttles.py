"""How many requests somebody may make. Counted in the cache; without the cache nobody is locked out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis
import structlog
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle

from accounts import login
from spendsmart import quota

if TYPE_CHECKING:  # which imports the default throttles, ours among them
    from rest_framework.views import APIView

log = structlog.get_logger(__name__)


class _CachedThrottle(SimpleRateThrottle):
    def allow_request(self, request: Request, view: APIView) -> bool:
        try:
            return bool(super().allow_request(request, view))
        except redis.RedisError as error:
            log.warning("throttle_without_cache", scope=self.scope, error=str(error))
            return True


class UserThrottle(BaseThrottle):
    """Per account that is logged in, over all it asks for."""

    _wait: float | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:  # noqa: ARG002
        if request.user.is_authenticated:
            self._wait = quota.requests.wait_of(str(request.user.pk))
        return self._wait is None

    def wait(self) -> float | None:
        return self._wait


class AddressThrottle(_CachedThrottle):
    """Per address that the load balancer saw."""

    scope = "address"

    def get_cache_key(self, request: Request, view: APIView) -> str:  # noqa: ARG002
        return f"throttle:address:{self.get_ident(request)}"


class AccountThrottle(_CachedThrottle):
    """Per account that somebody tries to get into, from any address; a browser that was in before is free."""

    scope = "account"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:  # noqa: ARG002
        data: Any = request.data
        email = data.get("email") if isinstance(data, dict) else None
        if not isinstance(email, str) or login.known_device(request, email):
            return None
        return f"throttle:account:{login.account(email)}"
