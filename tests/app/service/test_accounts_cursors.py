"""Cursors of lists that we did not make."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import urlencode

import pytest

GARBAGE = {
    "no moment": {"p": "garbage"},
    "no real day": {"p": "2026-13-45T00:00:00+00:00"},
    "no zone": {"p": "2026-01-01T00:00:00"},
    "year 10000": {"p": "10000-01-01T00:00:00+00:00"},
    "null byte": {"p": "\x00"},
    "SQL": {"p": "' OR 1=1 --"},
    "offset no number": {"o": "x"},
    "offset below zero": {"o": "-1"},
    "not ASCII": "é",
}


@pytest.mark.parametrize("path", ["receipts/", "auth/sessions/", "auth/accesses/"])
@pytest.mark.parametrize("name", GARBAGE)
def test_a_cursor_that_is_not_ours_is_not_found(api, path: str, name: str) -> None:
    value = GARBAGE[name]
    cursor = value if isinstance(value, str) else b64encode(urlencode(value).encode()).decode()
    assert api.get(f"/api/v1/{path}", {"cursor": cursor}).status_code == 404


@pytest.mark.parametrize("cursor", ["", "!!!", b64encode(b"x=1").decode()])
def test_a_cursor_that_says_nothing_is_the_first_page(api, cursor: str) -> None:
    assert api.get("/api/v1/receipts/", {"cursor": cursor}).status_code == 200


@pytest.mark.parametrize("offset", ["1000", "9" * 30])
def test_a_large_offset_is_an_empty_page_or_not_found(api, offset: str) -> None:
    cursor = b64encode(urlencode({"o": offset}).encode()).decode()
    assert api.get("/api/v1/receipts/", {"cursor": cursor}).status_code in {200, 404}
