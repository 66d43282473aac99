"""Headers that tell the browser what our pages may do."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.http import HttpRequest, HttpResponse

# The API page and the admin: everything comes from here, but the API page sets styles from its script and draws icons
# from data URLs, and the admin's scripts write HTML.
LOOSER = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
LOOSER_PATHS = ("/api/", "/admin/")
PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=()"


def content_security_policy(*, images: Iterable[str] = (), connections: Iterable[str] = ()) -> str:
    """What one of our pages may load: its own files, and pictures from and requests to the given origins.

    Scripts cannot turn text into HTML (Trusted Types), and nothing inline is run or applied.
    """
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            " ".join(["img-src 'self'", *images]),
            " ".join(["connect-src 'self'", *connections]),
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


class HeadersMiddleware:
    """Adds the two policies that Django's own SecurityMiddleware does not know; a view may have set its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        looser = request.path.startswith(LOOSER_PATHS)
        response.headers.setdefault("Content-Security-Policy", LOOSER if looser else content_security_policy())
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return response
