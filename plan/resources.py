"""Names of resources for people, and values of templates written short."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from preflight.assembly import Assembly, Resource
from preflight.values import ABSENT, Reference, Text, Unknown

_LENGTH = 120
"""Characters of a value that a table shows."""


def prefix_of(assemblies: Sequence[Assembly]) -> str:
    """What the names of all stacks begin with (`SpendSmart-Prod-`); empty where they share nothing up to a hyphen."""
    names = sorted({stack.name for assembly in assemblies for stack in assembly.stacks})
    if len(names) < 2:
        return names[0].rpartition("-")[0] + "-" if names and "-" in names[0] else ""
    first, last = names[0], names[-1]  # sorted, so that what these two share all share
    shared = "".join(takewhile(bool, (one if one == two else "" for one, two in zip(first, last, strict=False))))
    return shared[: shared.rfind("-") + 1]


def short_path(resource: Resource, prefix: str) -> str:
    """`Data/Database/Writer`: the construct's path without the stacks' prefix and without CDK's last word for L1s."""
    path = resource.construct_path.removeprefix(prefix)
    # A nested stack's path begins with its parent's; a template without CDK has the stack's name and the logical id.
    return path.removesuffix("/Resource").removesuffix("/Default")


def shown(value: Any) -> str:
    """A raw value of a template in one short line: `${Database.Arn}` for a reference, JSON for what has parts."""
    text = _written(value)
    return text if len(text) <= _LENGTH else f"{text[: _LENGTH - 1]}…"


def _written(value: Any) -> str:
    if value is ABSENT:
        return "(not set)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, dict) and len(value) == 1:
        key, argument = next(iter(value.items()))
        if key == "Ref":
            return f"${{{argument}}}"
        if key == "Fn::GetAtt":
            return f"${{{'.'.join(map(str, argument)) if isinstance(argument, list) else argument}}}"
        if key == "Fn::GetStackOutput" and isinstance(argument, dict):
            return f"${{{argument.get('StackName')}.{argument.get('OutputName')}}}"
        if key == "Fn::Join" and isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], list):
            return str(argument[0]).join(map(_written, argument[1]))
        if key == "Fn::Sub":
            return _written(argument[0] if isinstance(argument, list) and argument else argument)
    return json.dumps(value, default=str, sort_keys=True)


def described(value: Any, prefix: str) -> str:
    """A resolved value in words: `Data/Key.Arn` for a reference."""
    if isinstance(value, Reference):
        path = short_path(value.resource, prefix)
        return path if value.attribute == "Ref" else f"{path}.{value.attribute}"
    if isinstance(value, Text):
        return "".join(part if isinstance(part, str) else described(part, prefix) for part in value.parts)
    if isinstance(value, Unknown):
        return "…"
    if isinstance(value, str):
        return value
    return json.dumps(value, default=lambda part: described(part, prefix), sort_keys=True)
