"""WAF's logging configurations and per-resource associations, which MiniStack lacks or keeps to itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack import app as ministack_app
from ministack.core.responses import error_response_json, json_response

from localcloud.emulator import stores

_logging = stores.store("waf_logging", service="wafv2")


def install() -> None:
    stock = ministack_app.SERVICE_HANDLERS["wafv2"]

    async def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Any:
        call = _CALLS.get(headers.get("x-amz-target", "").rsplit(".", 1)[-1])
        return call(json.loads(body or b"{}")) if call else await stock(method, path, headers, body, query)

    ministack_app.SERVICE_HANDLERS["wafv2"] = handle


def _put(data: dict[str, Any]) -> Any:
    configuration = data["LoggingConfiguration"]
    _logging[configuration["ResourceArn"]] = configuration
    return json_response({"LoggingConfiguration": configuration})


def _get(data: dict[str, Any]) -> Any:
    found = _logging.get(data["ResourceArn"])
    if found is None:
        return error_response_json("WAFNonexistentItemException", "AWS WAF couldn't find that logging.", 400)
    return json_response({"LoggingConfiguration": found})


def _delete(data: dict[str, Any]) -> Any:
    if _logging.pop(data["ResourceArn"], None) is None:
        return error_response_json("WAFNonexistentItemException", "AWS WAF couldn't find that logging.", 400)
    return json_response({})


_CALLS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "PutLoggingConfiguration": _put,
    "GetLoggingConfiguration": _get,
    "DeleteLoggingConfiguration": _delete,
    "ListLoggingConfigurations": lambda _data: json_response({"LoggingConfigurations": list(_logging.values())}),
}
