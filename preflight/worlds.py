"""What else a deployment may choose: the values that a template's conditions compare its parameters with.

A template is judged with its parameters' defaults. What it says only under other conditions is judged as well, once for
each value of one parameter that some condition asks about, the other parameters left as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from preflight.assembly import Assembly, Resource, Stack
from preflight.values import OtherThan, mapping

_WORLDS = 8
"""At most, per assembly; a template with more choices is judged for the first ones."""
_RESOURCES = 2_000
"""Larger assemblies are judged with the defaults only, which keeps what was made to exhaust us bounded."""


@dataclass(frozen=True)
class Choice:
    """A value of a parameter, or whether a condition holds, in one stack.

    `open`: without a default something has to be chosen. The assembly as it stands is then no deployment at all.
    """

    stack: Stack
    name: str
    value: Any
    open: bool

    @property
    def question(self) -> tuple[Stack, str]:
        """What is chosen here; other choices answer the same question otherwise."""
        return self.stack, self.name

    def __str__(self) -> str:
        if isinstance(self.value, bool):
            return f"{self.name} {'holds' if self.value else 'does not hold'}"
        if isinstance(self.value, OtherThan):
            return f"{self.name} is not {' or '.join(map(repr, self.value.values))}"
        return f"{self.name} is {self.value!r}"


@dataclass(frozen=True, kw_only=True)
class World:
    """The assembly as it would be with one choice."""

    assembly: Assembly
    choice: Choice
    stacks: dict[Stack, Stack]
    """This deployment's stacks by those of the assembly as it stands."""

    def has(self, stack: Stack, resource: Resource | None) -> bool:
        """Whether a resource of the assembly is made in this deployment, too."""
        return resource is None or resource.logical_id in self.stacks[stack].resources


def worlds(assembly: Assembly) -> Iterator[World]:
    """The other deployments that conditions tell apart, those first that have to be chosen between."""
    if sum(len(stack.all_resources) for stack in assembly.stacks) > _RESOURCES:
        return
    choices = [choice for stack in assembly.stacks for choice in _choices(stack)]
    for choice in sorted(choices, key=lambda one: not one.open)[:_WORLDS]:
        made = _with(assembly, choice)
        stacks = dict(zip(assembly.stacks, made.stacks, strict=True))
        yield World(assembly=made, choice=choice, stacks=stacks)


def _choices(stack: Stack) -> Iterator[Choice]:
    conditions = mapping(stack.template.get("Conditions"))
    compared: dict[str, dict[str, None]] = {}
    for name, value in _comparisons(conditions):
        if name in stack.parameters and name not in stack.parameter_values:
            compared.setdefault(name, {})[value] = None
    for name, values in compared.items():
        default = mapping(stack.parameters[name]).get("Default", "")
        usual = default if isinstance(default, str) else str(default).lower()
        for value in values:
            if value != usual or not usual:
                yield Choice(stack, name, value, open=not usual)
        if usual in values or not usual:
            other = OtherThan(f"parameter {name} is chosen by the deployment", values=tuple(values))
            yield Choice(stack, name, other, open=not usual)
    for name, raw in conditions.items():
        # One that is made of others follows from them.
        own = "Condition" not in repr(raw) and not any(one in compared for one, _ in _comparisons(raw))
        if own and stack.resolver.condition(str(name)) is None:
            yield Choice(stack, str(name), True, open=True)
            yield Choice(stack, str(name), False, open=True)


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


def _with(assembly: Assembly, choice: Choice) -> Assembly:
    made = Assembly()
    copies: dict[int, Stack] = {}
    for stack in assembly.stacks:
        parent = copies.get(id(stack.parent)) if stack.parent else None
        copy = replace(stack, assembly=made, parent=parent)
        if stack is choice.stack and isinstance(choice.value, bool):
            copy.condition_values = {**stack.condition_values, choice.name: choice.value}
        elif stack is choice.stack:
            copy.parameter_values = {**stack.parameter_values, choice.name: choice.value}
        copies[id(stack)] = copy
        made.stacks.append(copy)
    for stack in assembly.stacks:
        copies[id(stack)].nested.update({key: copies[id(nested)] for key, nested in stack.nested.items()})
    return made
