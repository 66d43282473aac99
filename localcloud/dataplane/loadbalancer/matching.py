"""Conditions of listener rules as Envoy route matches. All conditions of a rule must hold."""

from __future__ import annotations

import ipaddress
import re

from localcloud.dataplane.envoy.configuration import Resource
from localcloud.dataplane.errors import UnsupportedError
from localcloud.dataplane.patterns import any_of, regex
from localcloud.dataplane.specs import Condition, QueryCondition, SourceCondition, TextCondition

SOURCE_ADDRESS = "localcloud.source_address"
"""Filter state that holds the client's address; a filter of the listener puts it there."""

_NOT_IN_A_PARAMETER = "[^&]"


def route_match(conditions: tuple[Condition, ...]) -> Resource:
    """Envoy's RouteMatch. Raises UnsupportedError for a condition it cannot express."""
    path = ".*"
    headers: list[Resource] = []
    state: list[Resource] = []
    for condition in conditions:
        match condition:
            case TextCondition(field="path-pattern"):
                path = _expression(condition)
            case TextCondition(field="host-header"):
                # Locally the port is part of what clients send, as listeners are on unusual ones.
                headers.append(_header(":authority", "(?i)" + _expression(condition) + "(?::[0-9]+)?"))
            case TextCondition(field="http-header"):
                headers.append(_header(condition.header, "(?i)" + _expression(condition)))
            case TextCondition(field="http-request-method"):
                headers.append(_header(":method", any_of([re.escape(value) for value in condition.values])))
            case QueryCondition(pairs=pairs):
                headers.append(_header(":path", _query(pairs)))
            case SourceCondition(networks=networks):
                state.append({"key": SOURCE_ADDRESS, "address_match": {"ranges": [_range(each) for each in networks]}})
            case _:
                raise UnsupportedError(f"rule condition {condition.field} is not available here")
    found: Resource = {"safe_regex": {"regex": path}}
    if headers:
        found["headers"] = headers
    if state:
        found["filter_state"] = state
    return found


def _expression(condition: TextCondition) -> str:
    return any_of([regex(value) for value in condition.values] + list(condition.regexes))


def _header(name: str, expression: str) -> Resource:
    return {"name": name, "string_match": {"safe_regex": {"regex": expression}}}


def _query(pairs: tuple[tuple[str, str], ...]) -> str:
    parameters = []
    for key, value in pairs:
        name = regex(key, anything=_NOT_IN_A_PARAMETER) if key else "[^&=]*"
        parameters.append(f"{name}={regex(value, anything=_NOT_IN_A_PARAMETER)}")
    return rf"(?i)[^?]*\?(?:.*&)?{any_of(parameters)}(?:&.*)?"


def _range(network: str) -> Resource:
    parsed = ipaddress.ip_network(network, strict=False)
    return {"address_prefix": str(parsed.network_address), "prefix_len": parsed.prefixlen}
