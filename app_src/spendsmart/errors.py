"""Errors outside of any view: JSON where the API is asked, a page in plain words elsewhere."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import exception_handler

from pages.errors import error
from spendsmart.not_now import NotNowError

_API = "/api/"


class TryLater(APIException):
    """Django REST framework makes `wait` the header Retry-After."""

    def __init__(self, detail: str, *, status: int, wait: float) -> None:
        super().__init__(detail)
        self.status_code = status
        self.wait = int(wait + 0.5)


def api_error(exception: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's exception handler: what will pass by itself says so, and when to try again.

    A database that is away is none of its business: the replica may answer instead (`spendsmart.reads_go_on`).
    """
    if isinstance(exception, NotNowError):
        exception = TryLater(str(exception), status=exception.status, wait=exception.wait)
    return exception_handler(exception, context)


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
