"""What every operation may answer besides its success, added to the OpenAPI document in one place."""

from __future__ import annotations

from typing import Any

_METHODS = {"get", "post", "put", "patch", "delete"}

_ERROR = {
    "type": "object",
    "description": "What went wrong, in words.",
    "properties": {"detail": {"type": "string"}, "code": {"type": "string"}},
    "required": ["detail"],
}
_INVALID = {
    "type": "object",
    "description": "By field, what is wrong with it; under `detail`, what is wrong with the request as a whole.",
    "additionalProperties": {},
}


def add_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular: answers that an operation describes itself stay as they are."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["Error"], schemas["Invalid"] = _ERROR, _INVALID
    for path, operations in result.get("paths", {}).items():
        for method, operation in operations.items():
            if method in _METHODS:
                _add(operation, path=path)
    return result


def _add(operation: dict[str, Any], *, path: str) -> None:
    schemes = operation.get("security", [])
    parameters = operation.get("parameters", [])
    has_body, has_query = "requestBody" in operation, any(each["in"] == "query" for each in parameters)
    descriptions = {
        "400": "Not valid." if has_body or has_query else "",
        "401": "Not logged in, or the session has ended.",
        "403": "Not allowed.",
        "404": "There is none, or it is another user's." if "{" in path or has_query else "",
        "413": "The request is too large." if has_body else "",
        "415": "Not JSON." if has_body else "",
        "429": "Too many requests; `Retry-After` says how many seconds to wait.",
        "503": "A part of the platform does not answer; try again.",
    }
    if has_query:
        page = {"text/html": {"schema": {"type": "string"}}}
        operation["responses"]["414"] = {"description": "The address is too long.", "content": page}
    for status, description in descriptions.items():
        if description and not (status == "403" and {} in schemes):
            operation["responses"].setdefault(status, {"description": description})
            content = {"schema": {"$ref": f"#/components/schemas/{'Invalid' if status == '400' else 'Error'}"}}
            operation["responses"][status].setdefault("content", {"application/json": content})
