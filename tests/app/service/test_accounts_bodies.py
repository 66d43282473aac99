"""Request bodies that are no JSON, or too much of it."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

LOGIN = "/api/v1/auth/login/"


def post(body: bytes) -> int:
    return APIClient().post(LOGIN, body, content_type="application/json").status_code


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"email": ' + b'{"a":' * 20_000,
        b'{"email": "\\ud800@example.com", "password": "x"}',
        b'{"email": NaN, "password": Infinity}',
        b'{"email": "ann@example.com", "password": "\\u0000"}',
        b'{"email": 1' + b"0" * 5000 + b', "password": "x"}',
        b'["email", "password"]',
        b"null",
        b'"text"',
    ],
    ids=lambda body: repr(body[:30]),
)
def test_a_body_that_makes_no_sense_is_the_clients_error(db, body: bytes) -> None:
    assert post(body) == 400


def test_a_body_that_is_too_large_is_not_read(db, settings) -> None:
    assert post(b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)) == 413
    assert post(b" " * 50_000_000) == 413
