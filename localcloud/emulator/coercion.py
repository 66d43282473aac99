"""CloudFormation properties to the input of an AWS API call, by the service's own model (botocore).

Most resource types repeat their service's create call with other capitals. The names are matched without regard to
case, values get the type the model wants, and a property that the model does not know is an error: nothing is dropped.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape


class UnknownPropertyError(ValueError):
    """A property has no counterpart in the API call; the message has its path."""


def to_input(
    service: str,
    operation: str,
    properties: Mapping[str, Any],
    *,
    rename: Mapping[str, str] | None = None,
    without: Collection[str] = (),
) -> dict[str, Any]:
    """The input of `operation` (its API name, like CreateDBInstance) for a resource's properties.

    `rename` maps names of properties, at any depth, to the API's; `without` names top-level properties that the
    caller sends by another call. Raises UnknownPropertyError for any other that the operation does not take.
    """
    shape = _operation(service, operation).input_shape
    wanted = {name: value for name, value in properties.items() if name not in without}
    result: dict[str, Any] = _coerce(shape, wanted, dict(rename or {}), operation)
    return result


def takes(service: str, operation: str) -> frozenset[str]:
    """The names of the members that an operation takes."""
    return frozenset(_operation(service, operation).input_shape.members)


def to_shape(service: str, shape: str, value: Any, *, rename: Mapping[str, str] | None = None) -> Any:
    """A value in the form of one named shape of the service's model."""
    return _coerce(_model(service).shape_for(shape), value, dict(rename or {}), shape)


def _coerce(shape: Shape, value: Any, rename: dict[str, str], path: str) -> Any:
    if isinstance(shape, StructureShape) and shape.is_document_type:
        return json.loads(value) if isinstance(value, str) else value
    if isinstance(shape, StructureShape):
        return _structure(shape, value, rename, path)
    if isinstance(shape, ListShape):
        items = value if isinstance(value, list) else [value]
        return [_coerce(shape.member, item, rename, f"{path}[{number}]") for number, item in enumerate(items)]
    if isinstance(shape, MapShape):
        return {str(key): _coerce(shape.value, item, rename, f"{path}.{key}") for key, item in value.items()}
    return _scalar(shape, value)


def _structure(shape: StructureShape, value: Any, rename: dict[str, str], path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise UnknownPropertyError(f"{path}: expected an object, got {value!r}")
    members = {name.lower(): name for name in shape.members}
    result = {}
    for name, item in value.items():
        # A new name counts only where the model has it: the same word may be right elsewhere in the tree.
        member = members.get(str(rename.get(name, name)).lower()) or members.get(str(name).lower())
        if member is None:
            raise UnknownPropertyError(f"{path}.{name}: {shape.name} of the API has no such member")
        result[member] = _coerce(shape.members[member], item, rename, f"{path}.{name}")
    return result


def _scalar(shape: Shape, value: Any) -> Any:
    match shape.type_name:
        case "integer" | "long":
            # A fraction stays one: boto3 refuses it by name, where rounding would hide it.
            return value if isinstance(value, float) and not value.is_integer() else _whole(value)
        case "float" | "double":
            return float(value)
        case "boolean":
            return value if isinstance(value, bool) else str(value).lower() == "true"
        case "string":
            if isinstance(value, (dict, list)):
                return json.dumps(value)
            if isinstance(value, bool):
                return "true" if value else "false"
            return str(value)
        case "blob":
            return value.encode() if isinstance(value, str) else value
        case _:
            return value


def _whole(value: Any) -> int | float:
    try:
        return int(value)
    except ValueError:
        return float(value)


def _operation(service: str, operation: str) -> OperationModel:
    return _model(service).operation_model(operation)


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)
