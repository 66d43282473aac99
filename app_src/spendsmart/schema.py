"""The OpenAPI description names what every endpoint may refuse, so that no answer is outside of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework.permissions import AllowAny, IsAuthenticated

_OPEN_TO_ALL = {AllowAny, IsAuthenticated}


class SchemaWithRefusals(AutoSchema):
    """Adds 400, 401, 403, 404, 415 and 429 to the operations that may answer so and do not say it themselves."""

    def get_operation(self, *arguments: Any, **keywords: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*arguments, **keywords)
        if operation is not None:
            for code, description in self._refusals(operation):
                operation["responses"].setdefault(code, {"description": description})
            for code, response in operation["responses"].items():
                if code.startswith("4"):
                    response.setdefault("content", {"application/json": {"schema": {"type": "object"}}})
        return operation

    def _refusals(self, operation: dict[str, Any]) -> Iterator[tuple[str, str]]:
        placed = [parameter["in"] for parameter in operation.get("parameters", [])]
        paginated = any(parameter["name"] == "cursor" for parameter in operation.get("parameters", []))
        if "requestBody" in operation or "query" in placed:
            yield "400", "Something given is not valid: sentences by field."
        if "requestBody" in operation:
            yield "415", "The body is not JSON."
        if self.get_auth():
            yield "401", "Without a valid access token."
        if not _OPEN_TO_ALL.issuperset(self.view.permission_classes):
            yield "403", "Not for this user."
        if "path" in placed or paginated:
            yield "404", "There is no such thing, or it is another's."
        if self.view.throttle_classes:
            yield "429", "Too many requests; the header Retry-After says how many seconds to wait."
