"""What MiniStack keeps but does not answer: members of a record that a service's hand-written XML leaves out.

An answer is read with botocore's parser for the operation, completed from the service's own record, and written again
by the operation's model. Only what is missing is added: what MiniStack answers itself stands.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import botocore.parsers
import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from ministack import app as ministack_app

_SERVICE_NAMES = {"elbv2": "elasticloadbalancing", "cloudwatch": "monitoring"}

Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One describing operation: where its records are in the answer, and where MiniStack keeps them."""

    operation: str
    records: str
    record_of: Callable[[Record], Mapping[str, Any] | None]


_listings: dict[str, dict[str, Listing]] = {}


def complete(service: str, *listings: Listing) -> None:
    """Complete the answers of these operations of a service (botocore's name for it)."""
    known = _listings.setdefault(service, {})
    known.update({listing.operation: listing for listing in listings})


def install() -> None:
    for service in _listings:
        name = _SERVICE_NAMES.get(service, service)
        ministack_app.SERVICE_HANDLERS[name] = _completing(service, ministack_app.SERVICE_HANDLERS[name])


def keep(service: str, shape: str, record: Record, values: Mapping[str, Any]) -> None:
    """Put request members into a record where the shape that answers have knows them under the same name."""
    members = model(service).shape_for(shape).members
    for name, value in values.items():
        if name in members and _fits(members[name], value):
            record[name] = value


def _fits(shape: Shape, value: Any) -> bool:
    match shape.type_name:
        case "list":
            return isinstance(value, list) and all(_fits(shape.member, item) for item in value)
        case "structure":
            return isinstance(value, Mapping) and all(
                name in shape.members and _fits(shape.members[name], item) for name, item in value.items()
            )
        case "map":
            return isinstance(value, Mapping)
        case _:
            return not isinstance(value, (list, Mapping))


@cache
def model(service: str) -> ServiceModel:
    """botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)


def _completing(service: str, stock: Callable[..., Any]) -> Callable[..., Any]:
    async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        answer = await stock(method, path, headers, body, query)
        listing = _listings[service].get(action(headers, body, query))
        if listing is None or answer[0] >= 300:
            return answer
        operation = model(service).operation_model(listing.operation)
        parsed = _parse(service, operation, answer)
        shape = operation.output_shape.members[listing.records].member
        changed = False
        for item in parsed.get(listing.records, []):
            changed |= _fill(shape, item, listing.record_of(item) or {})
        return (answer[0], answer[1], _write(operation, parsed)) if changed else answer

    return handle


def action(headers: Any, body: bytes, query: Any) -> str:
    """The name of the operation that a request of the query or a JSON protocol asks for."""
    target = headers.get("x-amz-target", "")
    if target:
        return str(target).rsplit(".", 1)[-1]
    if "Action" in query:
        return str(query["Action"][0])
    return parse_qs(body.decode(errors="replace")).get("Action", [""])[0]


def _fill(shape: StructureShape, item: Record, record: Mapping[str, Any]) -> bool:
    changed = False
    for name, member in shape.members.items():
        value = record.get(name)
        if value in (None, "", [], {}) or item.get(name) not in (None, "", [], {}) or not _fits(member, value):
            continue
        item[name] = value
        changed = True
    return changed


def _parse(service: str, operation: OperationModel, answer: Any) -> Record:
    body = answer[2] if isinstance(answer[2], bytes) else str(answer[2]).encode()
    parser = botocore.parsers.create_parser(model(service).metadata["protocol"])
    headers = {str(name).lower(): str(value) for name, value in answer[1].items()}
    parsed: Record = parser.parse({"status_code": answer[0], "headers": headers, "body": body}, operation.output_shape)
    parsed.pop("ResponseMetadata", None)
    return parsed


def _write(operation: OperationModel, answer: Record) -> bytes:
    protocol = operation.service_model.metadata["protocol"]
    if protocol in ("json", "rest-json"):
        return json.dumps(answer, default=_json_default).encode()
    shape = operation.output_shape
    content = "".join(_member(shape, name, value) for name, value in answer.items())
    wrapper = shape.serialization.get("resultWrapper")
    if wrapper:
        content = f"<{wrapper}>{content}</{wrapper}><ResponseMetadata><RequestId>0</RequestId></ResponseMetadata>"
    namespace = operation.service_model.metadata.get("xmlNamespace", "")
    return f'<{operation.name}Response xmlns="{namespace}">{content}</{operation.name}Response>'.encode()


def _member(structure: StructureShape, name: str, value: Any) -> str:
    shape = structure.members.get(name)
    if shape is None or value is None:
        return ""
    return _element(shape, str(shape.serialization.get("name", name)), value)


def _element(shape: Shape, name: str, value: Any) -> str:
    if isinstance(shape, StructureShape):
        inner = "".join(_member(shape, key, item) for key, item in value.items())
        return f"<{name}>{inner}</{name}>"
    if isinstance(shape, ListShape):
        if shape.serialization.get("flattened"):
            return "".join(_element(shape.member, name, item) for item in value)
        item_name = str(shape.member.serialization.get("name", "member"))
        inner = "".join(_element(shape.member, item_name, item) for item in value)
        return f"<{name}>{inner}</{name}>"
    if isinstance(shape, MapShape):
        key_name = str(shape.key.serialization.get("name", "key"))
        value_name = str(shape.value.serialization.get("name", "value"))
        entries = "".join(
            f"<entry><{key_name}>{escape(str(key))}</{key_name}>{_element(shape.value, value_name, item)}</entry>"
            for key, item in value.items()
        )
        return f"<{name}>{entries}</{name}>"
    return f"<{name}>{escape(_text(value))}</{name}>"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)


def _json_default(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} in an answer")


def answer(service: str, operation: str, content: Record) -> bytes:
    """The body of an operation's answer."""
    return _write(model(service).operation_model(operation), content)


def element(service: str, shape: str, name: str, value: Any) -> str:
    """A value as the XML element `name`."""
    return _element(model(service).shape_for(shape), name, value)


def read_query(service: str, shape: str, parameters: Mapping[str, Any], prefix: str) -> Any:
    """A value out of the flat parameters of a query-protocol request (Prefix.member.1.Name=...)."""
    flat = {key: value[0] if isinstance(value, list) else value for key, value in parameters.items()}
    return _from_query(model(service).shape_for(shape), flat, prefix)


def _from_query(shape: Shape, flat: Mapping[str, Any], prefix: str) -> Any:
    if isinstance(shape, StructureShape):
        return {
            name: _from_query(member, flat, f"{prefix}.{name}")
            for name, member in shape.members.items()
            if any(key == f"{prefix}.{name}" or key.startswith(f"{prefix}.{name}.") for key in flat)
        }
    if isinstance(shape, ListShape):
        items = []
        number = 1
        while any(key == f"{prefix}.member.{number}" or key.startswith(f"{prefix}.member.{number}.") for key in flat):
            items.append(_from_query(shape.member, flat, f"{prefix}.member.{number}"))
            number += 1
        return items
    value = flat[prefix]
    match shape.type_name:
        case "integer" | "long":
            return int(value)
        case "boolean":
            return str(value).lower() == "true"
        case _:
            return value


def read_query_input(service: str, operation: str, parameters: Mapping[str, Any]) -> Record:
    """The input of an operation out of the flat parameters of a query-protocol request."""
    flat = {key: value[0] if isinstance(value, list) else value for key, value in parameters.items()}
    shape = model(service).operation_model(operation).input_shape
    found: Record = _from_query(shape, {f".{key}": value for key, value in flat.items()}, "")
    return found
