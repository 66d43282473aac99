"""Each request is logged with its route, how long it took, an id, its user and address, and the balancer's trace id."""

from __future__ import annotations

import time

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware
from rest_framework.throttling import BaseThrottle
from structlog.contextvars import bind_contextvars

from spendsmart.tracing import load_balancer

_TRACE_HEADER = "HTTP_" + load_balancer.HEADER.upper().replace("-", "_")


class RequestLogMiddleware(RequestMiddleware):
    """The address is the one that throttles count by, which the load balancer saw.

    The base class takes the first of X-Forwarded-For, which is whatever the client wrote there, and takes longer for it
    than for the rest of its work.
    """

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        bind_contextvars(ip=BaseThrottle().get_ident(request))  # type: ignore[arg-type]

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Without a database nobody knows who asks; the answer that says so is not to fail on that."""
        try:
            RequestMiddleware.bind_user_id(request)
        except (OperationalError, InterfaceError):
            bind_contextvars(user_id=None)

    def prepare(self, request: HttpRequest) -> None:
        request._began = time.monotonic()  # type: ignore[attr-defined]
        # Traced or not: the load balancer's access log has it, and tasks inherit it.
        if given := load_balancer.trace_id(request.META.get(_TRACE_HEADER, "")):
            bind_contextvars(trace_id=given)
        super().prepare(request)

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        _bind_ended(request)
        super().handle_response(request, response)

    def _process_exception(self, request: HttpRequest, exception: Exception) -> None:
        _bind_ended(request)
        super()._process_exception(request, exception)


def _bind_ended(request: HttpRequest) -> None:
    """The route has no ids in it, so that lines can be counted by it."""
    match, began = request.resolver_match, request._began  # type: ignore[attr-defined]
    bind_contextvars(route=match.route if match else None, duration_ms=round((time.monotonic() - began) * 1000, 1))
