"""A healthy version in which nobody can log in."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

_LOGIN = {"/login/", "/api/v1/auth/login/"}


class Middleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in _LOGIN:
            return JsonResponse({"detail": "Server error."}, status=500)
        return self.get_response(request)
