"""A version that answers one request in five with 500."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

_HEALTH = {"/livez", "/readyz"}


class Middleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._count = itertools.count(1)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path not in _HEALTH and next(self._count) % 5 == 0:
            return JsonResponse({"detail": "Server error."}, status=500)
        return self.get_response(request)
