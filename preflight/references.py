"""What a template's raw value refers to, before anything is resolved."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

SUBSTITUTION = re.compile(r"\$\{([^${}!][^${}]*)\}")


@dataclass(frozen=True)
class References:
    """`resources`: names in Ref, GetAtt and Sub (parameters among them); `outputs`: each GetStackOutput's argument."""

    resources: frozenset[str]
    outputs: tuple[Any, ...]
    imports: tuple[Any, ...]


def stack_references(raw: Any, decided: Callable[[str], bool | None] | None = None) -> References:
    """Everything that a raw value refers to; never raises, however odd the value.

    `decided` tells of a condition whether it holds: of an Fn::If then only that branch counts.
    """
    resources: set[str] = set()
    outputs: list[Any] = []
    imports: list[Any] = []
    for key, argument in _intrinsics(raw, decided):
        if key == "Ref" and isinstance(argument, str):
            resources.add(argument)
        elif key == "Fn::GetAtt":
            resources.update(_owner(argument))
        elif key == "Fn::Sub":
            resources.update(_substituted(argument))
        elif key == "Fn::GetStackOutput":
            outputs.append(argument)
        elif key == "Fn::ImportValue":
            imports.append(argument)
    return References(frozenset(resources), tuple(outputs), tuple(imports))


def _intrinsics(raw: Any, decided: Callable[[str], bool | None] | None) -> Iterator[tuple[str, Any]]:
    pending = [raw]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if len(value) == 1:
                key, argument = next(iter(value.items()))
                if key == "Fn::If" and decided and isinstance(argument, list) and len(argument) == 3:
                    holds = decided(argument[0]) if isinstance(argument[0], str) else None
                    pending.extend(argument[1:] if holds is None else [argument[1 if holds else 2]])
                    continue
                yield key, argument
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def _owner(argument: Any) -> set[str]:
    if isinstance(argument, str):
        return {argument.split(".", 1)[0]}
    if isinstance(argument, list) and argument and isinstance(argument[0], str):
        return {argument[0]}
    return set()


def _substituted(argument: Any) -> set[str]:
    given: Any = {}
    if isinstance(argument, list):
        given = argument[1] if len(argument) > 1 and isinstance(argument[1], dict) else {}
        argument = argument[0] if argument else ""
    if not isinstance(argument, str):
        return set()
    return {name.strip().split(".", 1)[0] for name in SUBSTITUTION.findall(argument) if name.strip() not in given}
