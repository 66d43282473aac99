"""Each request is logged with an id, its user, and the address that it came from."""

from __future__ import annotations

from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware
from rest_framework.throttling import BaseThrottle
from structlog.contextvars import bind_contextvars


class RequestLogMiddleware(RequestMiddleware):
    """The address is the one that throttles count by, which the load balancer saw.

    The base class takes the first of X-Forwarded-For, which is whatever the client wrote there, and takes longer for it
    than for the rest of its work.
    """

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        bind_contextvars(ip=BaseThrottle().get_ident(request))  # type: ignore[arg-type]
