"""What else a deployment may choose: the values that a template's conditions compare its parameters with.

A template is judged with its parameters' defaults. What it says only under other conditions is judged here, once for
each value of one parameter that some condition asks about, the other parameters left as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from preflight.assembly import Assembly, Stack
from preflight.values import OtherThan, mapping

_WORLDS = 8
"""At most, per assembly; a template with more choices is judged for the first ones."""
_RESOURCES = 2_000
"""Larger assemblies are judged with the defaults only, which keeps what was made to exhaust us bounded."""


@dataclass(frozen=True, kw_only=True)
class World:
    """The assembly with one parameter of one stack (the `place`-th) at another value; `choice` says so in words."""

    assembly: Assembly
    choice: str


def worlds(assembly: Assembly) -> Iterator[World]:
    """The other deployments that conditions tell apart."""
    if sum(len(stack.all_resources) for stack in assembly.stacks) > _RESOURCES:
        return
    choices = ((stack, name, value) for stack in assembly.stacks for name, value in _choices(stack))
    for (stack, name, value), _ in zip(choices, range(_WORLDS), strict=False):
        described = f"not {' or '.join(map(repr, value.values))}" if isinstance(value, OtherThan) else repr(value)
        yield World(assembly=_with(assembly, stack, name, value), choice=f"{name} is {described}")


def _choices(stack: Stack) -> Iterator[tuple[str, Any]]:
    compared: dict[str, dict[str, None]] = {}
    for name, value in _comparisons(stack.template.get("Conditions")):
        if name in stack.parameters and name not in stack.parameter_values:
            compared.setdefault(name, {})[value] = None
    for name, values in compared.items():
        default = mapping(stack.parameters[name]).get("Default", "")
        usual = default if isinstance(default, str) else str(default).lower()
        yield from ((name, value) for value in values if value != usual)
        if usual in values or not usual:
            yield name, OtherThan(f"parameter {name} is chosen by the deployment", values=tuple(values))


def _comparisons(conditions: Any) -> Iterator[tuple[str, str]]:
    """Parameters and the texts that they are compared with."""
    pending = [conditions]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, dict):
            pending.extend(value.values())
            sides = value.get("Fn::Equals")
            if isinstance(sides, list) and len(sides) == 2:
                for one, other in (sides, sides[::-1]):
                    name = mapping(one).get("Ref")
                    if isinstance(name, str) and isinstance(other, str | int):
                        yield name, other if isinstance(other, str) else str(other).lower()


def _with(assembly: Assembly, changed: Stack, name: str, value: Any) -> Assembly:
    made = Assembly()
    copies: dict[int, Stack] = {}
    for stack in assembly.stacks:
        given = {**stack.parameter_values, name: value} if stack is changed else stack.parameter_values
        parent = copies.get(id(stack.parent)) if stack.parent else None
        copies[id(stack)] = copy = replace(stack, assembly=made, parameter_values=given, parent=parent)
        made.stacks.append(copy)
    for stack in assembly.stacks:
        copies[id(stack)].nested.update({key: copies[id(nested)] for key, nested in stack.nested.items()})
    return made
