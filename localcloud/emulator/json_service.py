"""A service that MiniStack does not have, by AWS's JSON protocol: the header X-Amz-Target names the operation.

https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack import app as ministack_app
from ministack.core import router
from ministack.core.responses import error_response_json, json_response

Record = dict[str, Any]


class ServiceError(Exception):
    """What a call refuses; `code` is the API's name for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def install(service: str, *, target_prefix: str, calls: Mapping[str, Callable[[Record], Record]]) -> None:
    """Answer a service's calls by operation; `target_prefix` is the part of the header before the operation."""

    async def handle(_method: str, _path: str, headers: Mapping[str, str], body: bytes, _query: Any) -> Any:
        action = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
        call = calls.get(action)
        if call is None:
            return error_response_json("ValidationException", f"{action} is not available in the local cloud", 400)
        try:
            return json_response(call(json.loads(body or b"{}")), content_type="application/x-amz-json-1.1")
        except ServiceError as error:
            return error_response_json(error.code, str(error), 400)

    router.SERVICE_PATTERNS[service] = {"target_prefixes": [target_prefix], "host_patterns": []}
    ministack_app.SERVICE_REGISTRY[service] = {"module": service}
    ministack_app.SERVICE_HANDLERS[service] = handle
