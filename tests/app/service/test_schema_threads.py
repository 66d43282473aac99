"""The API's schema in a process that has not made one yet."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from django.test import Client
from drf_spectacular.extensions import OpenApiSerializerExtension


def _asked(_: int) -> int:
    return Client(raise_request_exception=False).get("/api/schema/").status_code


def test_the_first_schemas_may_be_asked_for_at_once(db, monkeypatch) -> None:
    """The registry is as it is before the first schema: extensions are named, not loaded."""
    for extension in OpenApiSerializerExtension._registry:
        if not isinstance(extension.target_class, str) and extension.target_class is not None:
            made = extension.target_class
            monkeypatch.setattr(extension, "target_class", f"{made.__module__}.{made.__qualname__}")
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(_asked, range(16))) == {200}
