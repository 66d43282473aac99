"""CloudFormation's functions of texts, lists and mappings; those that lead elsewhere are the resolver's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from preflight import texts
from preflight.references import SUBSTITUTION
from preflight.values import ABSENT, Unknown

if TYPE_CHECKING:
    from preflight.resolution import Resolver


def join(resolver: Resolver, argument: Any) -> Any:
    if not (isinstance(argument, list) and len(argument) == 2 and isinstance(argument[0], str)):
        return Unknown("a malformed Fn::Join", maybe_absent=True)
    items = resolver.resolve(argument[1])
    if not isinstance(items, list):
        return Unknown("it joins a list that only the deployment will know")
    parts: list[Any] = []
    for index, item in enumerate(items):
        parts += [argument[0], item] if index else [item]
    return texts.joined(parts)


def sub(resolver: Resolver, argument: Any) -> Any:
    given: dict[str, Any] = {}
    if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
        argument, given = argument[0], argument[1]
    elif isinstance(argument, list) and argument:
        argument = argument[0]
    if not isinstance(argument, str):
        return Unknown("a malformed Fn::Sub", maybe_absent=True)
    parts: list[Any] = []
    for index, piece in enumerate(SUBSTITUTION.split(argument)):
        if index % 2 == 0:
            parts.append(piece.replace("${!", "${"))
        elif (name := piece.strip()) in given:
            parts.append(resolver.resolve(given[name]))
        else:
            parts.append(resolver.attribute(name) if "." in name else resolver.reference(name))
    return texts.joined(parts)


def select(resolver: Resolver, argument: Any) -> Any:
    if not (isinstance(argument, list) and len(argument) == 2):
        return Unknown("a malformed Fn::Select", maybe_absent=True)
    index, items = resolver.resolve(argument[0]), resolver.resolve(argument[1])
    if isinstance(index, str) and index.isdecimal() and len(index) < 9:
        index = int(index)
    if isinstance(items, list) and isinstance(index, int) and 0 <= index < len(items):
        return items[index]
    return Unknown("it selects from a list that only the deployment will know")


def split(resolver: Resolver, argument: Any) -> Any:
    if not (isinstance(argument, list) and len(argument) == 2 and isinstance(argument[0], str) and argument[0]):
        return Unknown("a malformed Fn::Split", maybe_absent=True)
    source = resolver.resolve(argument[1])
    if isinstance(source, str):
        return source.split(argument[0])
    return Unknown("it splits a text that only the deployment will know", references=texts.references(source))


def find_in_map(resolver: Resolver, argument: Any) -> Any:
    if not (isinstance(argument, list) and len(argument) >= 3):
        return Unknown("a malformed Fn::FindInMap", maybe_absent=True)
    found: Any = resolver.stack.template.get("Mappings")
    for raw in argument[:3]:
        key = resolver.resolve(raw)
        if not isinstance(key, str | int):
            return Unknown("it looks up a key that only the deployment will know")
        found = found.get(str(key), ABSENT) if isinstance(found, dict) else ABSENT
    if found is not ABSENT:
        return resolver.resolve(found)
    default = argument[3] if len(argument) > 3 and isinstance(argument[3], dict) else {}
    return (
        resolver.resolve(default["DefaultValue"]) if "DefaultValue" in default else Unknown("the map has no such key")
    )


def json_text(resolver: Resolver, argument: Any) -> Any:
    value = resolver.resolve(argument)
    try:
        written = json.dumps(value)
        return written if len(written) <= texts.CHARACTERS else Unknown("the JSON is too long")
    except (TypeError, ValueError, RecursionError):
        return Unknown("it is the JSON of values that only the deployment will know")


def length(resolver: Resolver, argument: Any) -> Any:
    value = resolver.resolve(argument)
    return len(value) if isinstance(value, list) else Unknown("the length of a list that the deployment makes")
