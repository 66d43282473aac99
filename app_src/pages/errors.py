"""What a person is told when something went wrong: in plain words, and without asking anything that may be down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from receipts.storage import StorageUnavailableError
from spendsmart.database import is_away
from spendsmart.not_now import NotNowError

_API = "/api/"
_DATABASE_SECONDS = 5
log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Fault:
    title: str
    text: str


FAULTS = {
    400: Fault(title="That did not make sense to us", text="The request was not complete. Go back and try it again."),
    403: Fault(title="This is not yours to see", text="Your account may not open this page."),
    404: Fault(title="There is nothing here", text="The page does not exist, or it belongs to somebody else."),
    429: Fault(title="Too many tries", text="Somebody tried this too often. Wait a little."),
    500: Fault(title="We made a mistake", text="Something broke on our side. Nothing of yours is lost."),
    503: Fault(title="One moment, please", text="A part of SpendSmart does not answer. Try again in a minute."),
}  # fmt: skip
FORM_EXPIRED = Fault(
    title="This form is out of date",
    text="It was open for too long, or you logged in anew meanwhile. Go back, reload the page, and send it again.",
)


def error(request: HttpRequest, status: int, *, fault: Fault | None = None, wait: float | None = None) -> HttpResponse:
    """The page of that status, for scripts the same words as JSON. `wait`: seconds until another try makes sense."""
    fault = fault or FAULTS[status]
    if request.headers.get("Accept", "").startswith("application/json"):
        response: HttpResponse = JsonResponse({"detail": f"{fault.title}. {fault.text}"}, status=status)
    else:
        # Without the request: neither session nor user are looked up for it.
        response = HttpResponse(render_to_string("pages/error.html", {"fault": fault, "wait": wait}), status=status)
    if wait is not None:
        response.headers["Retry-After"] = str(round(wait + 0.5))
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    log.warning("csrf_refused", reason=reason)
    return error(request, 403, fault=FORM_EXPIRED)


class OutageMiddleware:
    """Who asks while the database or the image store does not answer is told so, and when to come back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        match: Any = request.resolver_match
        if match is None or isinstance(exception, Http404):
            return None
        if match.app_name != "pages":
            return _api_without_database(request, exception)
        if isinstance(exception, NotNowError):
            fault = Fault(title=FAULTS[exception.status].title, text=str(exception))
            return error(request, exception.status, fault=fault, wait=exception.wait)
        if not isinstance(exception, StorageUnavailableError) and not is_away(exception):
            return None
        log.warning("page_without_backend", error=str(exception), path=request.path)
        return error(request, 503, wait=30)


def _api_without_database(request: HttpRequest, exception: Exception) -> HttpResponse | None:
    """All else that can be away has an answer in Django REST framework's handler."""
    if not request.path.startswith(_API) or not is_away(exception):
        return None
    log.warning("request_without_database", error=str(exception), path=request.path)
    return database_is_away(wait=_DATABASE_SECONDS)


def database_is_away(*, wait: float) -> JsonResponse:
    """The API's answer, with the seconds after which to try again."""
    detail = {"detail": "The database does not answer; try again."}
    return JsonResponse(detail, status=503, headers={"Retry-After": str(round(wait))})
