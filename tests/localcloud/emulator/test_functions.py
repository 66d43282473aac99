"""What functions are told about addresses."""

from __future__ import annotations

import pytest

from localcloud import layout
from localcloud.emulator.services.functions import translate


@pytest.mark.parametrize(
    ("value", "port", "rest"),
    [
        ("http://localhost", 80, ""),
        ("http://localhost/login/", 80, "/login/"),
        ("https://localhost", 443, ""),
        ("http://localhost:8080/x", 8080, "/x"),
    ],
)
def test_a_listeners_port_is_the_local_one(value: str, port: int, rest: str) -> None:
    scheme = value.split(":")[0]
    assert translate(value) == f"{scheme}://localhost:{layout.ports().listener(port)}{rest}"


@pytest.mark.parametrize("value", ["http://localhost:12345", "http://localhost.example.com", "localhost", "dev", ""])
def test_anything_else_stays_as_it_is(value: str) -> None:
    assert translate(value) == value
