from __future__ import annotations

from threading import Lock

from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request
from rest_framework.response import Response

_one_at_a_time = Lock()


class SchemaView(SpectacularAPIView):  # type: ignore[misc]
    """drf-spectacular loads its extensions while it makes the first schema, and threads that do so at once fail."""

    def _get_schema_response(self, request: Request) -> Response:
        with _one_at_a_time:
            return super()._get_schema_response(request)
