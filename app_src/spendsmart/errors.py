"""Errors outside of any view: JSON where the API is asked, a page in plain words elsewhere."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse

from pages.errors import error

_API = "/api/"


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001  (Django's signature)
    return _answer(request, 400, "This request makes no sense.")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001  (Django's signature)
    return _answer(request, 403, "This is not yours to see.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001  (Django's signature)
    return _answer(request, 404, "Not found.")


def server_error(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001  (Django's signature)
    return _answer(request, 500, "Something went wrong on our side.")


def _answer(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    if request.path.startswith(_API):
        return JsonResponse({"detail": detail}, status=status)
    return error(request, status)
