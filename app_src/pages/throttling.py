"""The API's throttles for the pages: one count for both doors."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from pages.errors import error
from spendsmart import quota


def wait_of(request: HttpRequest, *throttles: BaseThrottle) -> float | None:
    """Seconds until another try is allowed; None when this one is."""
    asked = Request(request, parsers=[FormParser(), MultiPartParser()])
    view: Any = None
    refused = [throttle for throttle in throttles if not throttle.allow_request(asked, view)]
    return max((throttle.wait() or 60.0 for throttle in refused), default=None)


class QuotaMiddleware:
    """Pages count by session, as requests to the API do by account: so that no database is asked for who it is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        match: Any = request.resolver_match
        session = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if match.app_name != "pages" or not session:
            return None
        wait = quota.requests.wait_of(hashlib.sha256(session.encode()).hexdigest())
        return None if wait is None else error(request, 429, wait=wait)
