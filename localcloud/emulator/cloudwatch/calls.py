"""Calls of CloudWatch in its three protocols (CBOR, JSON, query): inputs as plain values, answers by the API's model.

MiniStack hands each call over as (query parameters, decoded body, whether CBOR, whether JSON).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.model import ListShape, Shape, StructureShape
from ministack.services import cloudwatch

from localcloud.emulator import wire
from localcloud.emulator.cloudwatch.publishing import PublishError

Record = dict[str, Any]


class CallError(Exception):
    """The call is refused with this error code and HTTP status."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def answering(operation: str, call: Callable[[Record], Record]) -> Callable[..., Any]:
    """`call` in the form that MiniStack calls an operation. Times reach it as seconds since 1970; a ValueError that it
    raises is an InvalidParameterValue, a KeyError a MissingParameter."""
    shape = wire.model("cloudwatch").operation_model(operation).input_shape

    def handle(parameters: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        try:
            asked = data if is_cbor or is_json else wire.read_query_input("cloudwatch", operation, parameters)
            return _answer(operation, call(_plain(shape, asked)), is_cbor, is_json)
        except CallError as error:
            code, message, status = error.code, str(error), error.status
        except PublishError as error:
            code, message, status = error.code, str(error), 400
        except KeyError as error:
            code, message, status = "MissingParameter", f"The parameter {error.args[0]} is required.", 400
        except ValueError as error:
            code, message, status = "InvalidParameterValue", str(error), 400
        return cloudwatch._error(code, message, status, use_json=is_json, use_cbor=is_cbor)

    return handle


def _plain(shape: Shape, value: Any) -> Any:
    if isinstance(shape, StructureShape):
        return {name: _plain(shape.members[name], item) for name, item in value.items() if name in shape.members}
    if isinstance(shape, ListShape):
        return [_plain(shape.member, item) for item in value]
    match shape.type_name:
        case "timestamp":
            return _seconds(value)
        case "double" | "float":
            return float(value)
        case "integer" | "long":
            return int(value)
    return value


def _seconds(value: Any) -> float:
    seconds = cloudwatch._parse_ts(value)
    if seconds is None or not math.isfinite(seconds):
        raise ValueError(f"{value} is no time")
    return float(seconds)


def _answer(operation: str, content: Record, is_cbor: bool, is_json: bool) -> Any:
    if is_cbor:
        return cloudwatch._cbor_ok(_timed(content, lambda when: cloudwatch._cbor_timestamp(when.timestamp())))
    if is_json:
        return cloudwatch._json_ok(_timed(content, lambda when: when.timestamp()))
    if wire.model("cloudwatch").operation_model(operation).output_shape is None:
        return cloudwatch._xml(200, f"{operation}Response", "")
    return 200, {"Content-Type": "text/xml"}, wire.answer("cloudwatch", operation, content)


def _timed(value: Any, time: Callable[[datetime], Any]) -> Any:
    match value:
        case dict():
            return {name: _timed(item, time) for name, item in value.items() if item is not None}
        case list():
            return [_timed(item, time) for item in value]
        case datetime():
            return time(value)
    return value
