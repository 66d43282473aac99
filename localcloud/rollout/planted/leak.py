"""A version that takes a database connection for each request, begins a transaction on it, and never gives it back.

PgBouncer's pool is empty after a few requests; from then on every query waits, those of /readyz too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connections
from django.http import HttpRequest, HttpResponse

_HEALTH = {"/livez", "/readyz"}


class Middleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._kept: list[Any] = []

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path not in _HEALTH:
            connection = connections.create_connection("default")
            connection.inc_thread_sharing()
            connection.set_autocommit(False)
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            self._kept.append(connection)
        return self.get_response(request)
