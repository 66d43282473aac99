"""What only a preview does: its token, its cookie, and that nobody indexes it."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings

from spendsmart.preview import COOKIE, PreviewMiddleware

TOKEN = "a-long-token"


def _answer(path: str, **headers: str) -> HttpResponse:
    def page(_: HttpRequest) -> HttpResponse:
        return HttpResponse("the page")

    with override_settings(PREVIEW_ACCESS_TOKEN=TOKEN):
        return PreviewMiddleware(page)(RequestFactory().get(path, **headers))


def test_a_link_becomes_a_cookie_and_an_address_without_the_token() -> None:
    answer = _answer(f"/receipts/?since=2026-01-01&access={TOKEN}&tag=a&tag=b")
    assert answer.status_code == 302
    assert answer["Location"] == "/receipts/?since=2026-01-01&tag=a&tag=b"
    cookie = answer.cookies[COOKIE]
    assert cookie.value == TOKEN
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "no-referrer"


def test_a_link_does_not_lead_to_somebody_elses_host() -> None:
    # The factory itself would take a path of two slashes for a host.
    assert _answer(f"/?access={TOKEN}", PATH_INFO="//evil.example/")["Location"] == "/evil.example/"


@pytest.mark.parametrize("path", ["/?access=another", "/?access=", "/"])
def test_without_the_token_nothing_is_set(path: str) -> None:
    answer = _answer(path)
    assert (answer.status_code, answer.content) == (200, b"the page")
    assert COOKIE not in answer.cookies


@pytest.mark.parametrize("path", ["/", f"/?access={TOKEN}"])
def test_nothing_is_indexed(path: str) -> None:
    assert _answer(path)["X-Robots-Tag"] == "noindex, nofollow"


def test_other_environments_know_nothing_of_it(settings) -> None:
    assert not settings.IN_PREVIEW
    assert "spendsmart.preview.PreviewMiddleware" not in settings.MIDDLEWARE
