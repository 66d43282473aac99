"""Every answer says which release it is from: smoke tests and rollouts tell old and new tasks apart by it."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

HEADER = "X-Release"


class ReleaseMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if settings.RELEASE:
            response.headers[HEADER] = settings.RELEASE
        return response
