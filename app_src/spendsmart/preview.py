"""What only a preview does: it keeps out of search engines, and lets in whoever opened its link.

The load balancer lets nobody past who has not got the token in the query or in the cookie that is set here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.crypto import constant_time_compare

COOKIE = "preview_access"
QUERY = "access"
_LASTS = timedelta(days=14)

Answer = Callable[[HttpRequest], HttpResponse]


class PreviewMiddleware:
    """Every answer says that it is not to be indexed; a link with the token becomes one without, and a cookie."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._let_in(request) or self._get_response(request)
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    def _let_in(self, request: HttpRequest) -> HttpResponse | None:
        token, given = settings.PREVIEW_ACCESS_TOKEN, request.GET.get(QUERY)
        if not token or given is None or not constant_time_compare(given, token):
            return None
        rest = urlencode([(key, value) for key, values in request.GET.lists() if key != QUERY for value in values])
        # A path that begins with two slashes would be another host's address.
        path = "/" + request.path.lstrip("/")
        response = HttpResponseRedirect(f"{path}?{rest}" if rest else path)
        response.set_cookie(COOKIE, token, max_age=_LASTS, httponly=True, secure=request.is_secure(), samesite="Lax")
        # Neither the next page nor anybody on the way is told the address with the token.
        response["Referrer-Policy"] = "no-referrer"
        response["Cache-Control"] = "no-store"
        return response
