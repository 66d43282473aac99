"""A cloud assembly (or a lone template) as rules see it: stacks, resources, and who refers to whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from preflight.macros import ATTRIBUTES, Macros, macros_of
from preflight.names import name_keys
from preflight.references import stack_references
from preflight.resolution import Resolver
from preflight.values import ABSENT, Node, Reference, Text, Unknown, mapping

PARAMETER_TYPE = "AWS::SSM::Parameter"


@dataclass(eq=False)
class Resource:
    """One resource of a template."""

    logical_id: str
    stack: Stack
    raw: dict[str, Any]

    @property
    def type(self) -> str:
        kind = self.raw.get("Type")
        return kind if isinstance(kind, str) else ""

    @cached_property
    def construct_path(self) -> str:
        """The CDK construct's path; without CDK the stack's name and the logical id."""
        path = mapping(self.raw.get("Metadata")).get("aws:cdk:path") or self.stack.construct_paths.get(self.logical_id)
        return path if isinstance(path, str) else f"{self.stack.name}/{self.logical_id}"

    @cached_property
    def properties(self) -> Any:
        """Properties with intrinsics resolved."""
        try:
            return self.stack.resolver.resolve(self.raw.get("Properties", {}))
        except RecursionError:
            return Unknown("it is nested too deeply")

    def get(self, *keys: str | int) -> Node:
        """The node at these keys below Properties."""
        return Node(self, (), self.properties).get(*keys)

    def attribute(self, name: str) -> Any:
        """A resource attribute as written (DependsOn, DeletionPolicy, UpdateReplacePolicy, Metadata, …)."""
        return self.raw.get(name)

    @cached_property
    def depends_on(self) -> frozenset[str]:
        written = self.raw.get("DependsOn", [])
        names = written if isinstance(written, list) else [written]
        return frozenset(name for name in names if isinstance(name, str))

    @cached_property
    def dependencies(self) -> frozenset[str]:
        """Logical ids of the same stack that CloudFormation makes first, direct ones only."""
        used = stack_references(self.raw.get("Properties"), self.stack.resolver.condition).resources
        return (self.depends_on | used) & self.stack.resources.keys()

    @cached_property
    def rewritten(self) -> bool:
        """Whether a macro may change what is written here."""
        return self.stack.macros.rewrite or "Fn::Transform" in self.raw

    @cached_property
    def exists(self) -> bool:
        """False where its Condition is decidedly false with the parameters' defaults."""
        condition = self.raw.get("Condition")
        return not isinstance(condition, str) or self.stack.resolver.condition(condition) is not False

    @property
    def referrers(self) -> list[Resource]:
        """Resources of any stack that refer to this one, directly, by an output, or through an SSM parameter."""
        return self.stack.assembly.referrers_of(self)

    @cached_property
    def name(self) -> str | None:
        """The physical name written in the template, when it is completely known."""
        keys = name_keys(self.type)
        if not keys:
            return None
        value = self.get(*keys).value
        return value if isinstance(value, str) else None

    def __repr__(self) -> str:
        return f"<{self.type} {self.construct_path}>"


@dataclass(eq=False)
class Stack:
    """One template and where it goes. `region` and `account` are None where only the deployment will know."""

    name: str
    template: dict[str, Any]
    assembly: Assembly
    file: str
    region: str | None = None
    account: str | None = None
    termination_protection: bool | None = None
    depends_on: frozenset[str] = frozenset()
    size: int = 0
    construct_paths: dict[str, str] = field(default_factory=dict)
    parameter_values: dict[str, Any] = field(default_factory=dict)
    condition_values: dict[str, bool] = field(default_factory=dict)
    parent: Stack | None = None

    @cached_property
    def resolver(self) -> Resolver:
        return Resolver(self)

    @cached_property
    def all_resources(self) -> dict[str, Resource]:
        """Every resource of the template, those with a false condition included."""
        return {
            str(key): Resource(str(key), self, raw)
            for key, raw in mapping(self.template.get("Resources")).items()
            if isinstance(raw, dict)
        }

    @cached_property
    def resources(self) -> dict[str, Resource]:
        """Resources by logical id, without those whose condition is decidedly false."""
        return {key: resource for key, resource in self.all_resources.items() if resource.exists}

    @cached_property
    def macros(self) -> Macros:
        """What macros and loops make of the template before it is deployed."""
        return macros_of(self.template)

    @cached_property
    def _by_expression(self) -> dict[tuple[str, Text | Unknown], Resource]:
        found: dict[tuple[str, Text | Unknown], Resource] = {}
        for resource in self.resources.values():
            if keys := name_keys(resource.type):
                value = resource.get(*keys).value
                if isinstance(value, Text | Unknown):
                    found.setdefault((resource.type, value), resource)
        return found

    def named_alike(self, resource_type: str, value: Text | Unknown) -> Resource | None:
        """The resource that an undecided name or ARN points to.

        What is written alike is alike within a template: parameters have one value there. An ARN may have a decided
        name, of a resource in any stack.
        """
        candidates: list[Any] = [value]
        if isinstance(value, Text) and value.startswith("arn"):
            tail = value.after(":")
            if isinstance(tail, str):
                region = value.literal.split(":")[3:4]
                known = self.region if region in ([], ["\0"]) else region[0]
                return self.assembly.named(resource_type, f"arn:::::{tail}", region=known)
            candidates += [tail, tail.before("/"), tail.after("/")] if isinstance(tail, Text) else [tail]
        return next((found for one in candidates if (found := self._by_expression.get((resource_type, one)))), None)

    def may_gain(self, lacking: tuple[str, ...]) -> bool:
        """Whether a macro may add what is wanting: an attribute here, a resource in any stack of the assembly."""
        return self.macros.may_add(lacking) or any(
            stack.macros.may_add(one for one in lacking if one not in ATTRIBUTES) for stack in self.assembly.growing
        )

    @property
    def parameters(self) -> dict[str, Any]:
        return mapping(self.template.get("Parameters"))

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """Outputs as written, without those whose condition is decidedly false."""
        written = mapping(self.template.get("Outputs"))
        return {name: output for name, output in written.items() if self._output_exists(output)}

    def _output_exists(self, output: Any) -> bool:
        condition = mapping(output).get("Condition")
        return not isinstance(condition, str) or self.resolver.condition(condition) is not False

    @cached_property
    def nested(self) -> dict[str, Stack]:
        """Nested stacks whose templates are in the assembly, by logical id."""
        return {}

    def of_type(self, *types: str) -> list[Resource]:
        return [resource for resource in self.resources.values() if resource.type in types]

    def output(self, name: str) -> Any:
        """The resolved value of an output, ABSENT without such an output."""
        written = mapping(self.outputs.get(name))
        return self.resolver.resolve(written["Value"]) if "Value" in written else ABSENT

    def __repr__(self) -> str:
        return f"<Stack {self.name}>"


@dataclass(eq=False)
class Assembly:
    """All stacks that are judged together."""

    stacks: list[Stack] = field(default_factory=list)

    def resources(self) -> Iterator[Resource]:
        for stack in self.stacks:
            yield from stack.resources.values()

    @cached_property
    def growing(self) -> list[Stack]:
        """The stacks to which macros may add something."""
        return [stack for stack in self.stacks if stack.macros.rewrite or stack.macros.add or stack.macros.adds]

    @cached_property
    def _by_type(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.resources():
            found.setdefault(resource.type, []).append(resource)
        return found

    def of_type(self, *types: str) -> list[Resource]:
        return [resource for kind in types for resource in self._by_type.get(kind, [])]

    def stack(self, name: str, region: str | None = None) -> Stack | None:
        """The stack of this name (and region, when given)."""
        for stack in self._stacks_by_name.get(name, []):
            if region is None or stack.region in (None, region):
                return stack
        return None

    @cached_property
    def _stacks_by_name(self) -> dict[str, list[Stack]]:
        found: dict[str, list[Stack]] = {}
        for stack in self.stacks:
            found.setdefault(stack.name, []).append(stack)
        return found

    @cached_property
    def exports(self) -> dict[tuple[str, str | None], tuple[Stack, str]]:
        """Stack and output of every export, by its name and region."""
        found = {}
        several = set()
        for stack in self.stacks:
            for output, written in stack.outputs.items():
                name = mapping(mapping(written).get("Export")).get("Name")
                resolved = stack.resolver.resolve(name)
                if isinstance(resolved, str):
                    key = (resolved, stack.region)
                    if key in found:
                        several.add(key)
                    found[key] = (stack, output)
        # Which of several it is, conditions or the deployment decide.
        return {key: owner for key, owner in found.items() if key not in several}

    @cached_property
    def ssm_parameters(self) -> dict[tuple[str, str | None], tuple[Stack, Any]]:
        """Stack and raw value of every Systems Manager parameter that a stack writes, by its name and region."""
        found = {}
        for stack in self.stacks:
            for resource in stack.all_resources.values():
                if resource.type == PARAMETER_TYPE:
                    raw = mapping(resource.raw.get("Properties"))
                    name = stack.resolver.resolve(raw.get("Name"))
                    if isinstance(name, str):
                        found[name, stack.region] = (stack, raw.get("Value"))
        return found

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], list[Resource]]:
        found: dict[tuple[str, str], list[Resource]] = {}
        for kind, resources in self._by_type.items():
            if not name_keys(kind):
                continue
            for resource in resources:
                if resource.name:
                    found.setdefault((kind, resource.name), []).append(resource)
        return found

    def named(self, resource_type: str, name: str, *, region: str | None = None) -> Resource | None:
        """The resource of this type with this physical name, given as the name or as an ARN that ends with it.

        Of several, the one in `region` (an ARN's own, where it has one) is meant.
        """
        if found := self._by_name.get((resource_type, name)):
            return _nearest(found, region)
        if not name.startswith("arn:"):
            return None
        fields = name.split(":", 5)
        tail = fields[-1].removesuffix(":*")
        region = (fields[3] or region) if len(fields) > 3 else region
        for separator in (":", "/"):
            for part in (tail.rsplit(separator, 1)[-1], tail.split(separator, 1)[-1]):
                if found := self._by_name.get((resource_type, part)):
                    return _nearest(found, region)
        return None

    @cached_property
    def _referrers(self) -> dict[Resource, list[Resource]]:
        found: dict[Resource, dict[Resource, None]] = {}
        for resource in self.resources():
            for used in references_in(resource.properties):
                found.setdefault(used, {})[resource] = None
        return {used: list(by) for used, by in found.items()}

    def referrers_of(self, resource: Resource) -> list[Resource]:
        found = dict.fromkeys(self._referrers.get(resource, []))
        for parameter in [one for one in found if one.type == PARAMETER_TYPE]:
            found.update(dict.fromkeys(self._referrers.get(parameter, [])))
        return list(found)


def references_in(value: Any) -> Iterator[Resource]:
    """Every resource that a resolved value refers to."""
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, Reference):
            yield value.resource
        elif isinstance(value, Text):
            pending.extend(value.references)
        elif isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, Unknown):
            pending.extend(value.references)


def _nearest(resources: list[Resource], region: str | None) -> Resource:
    return next((one for one in resources if one.stack.region == region), resources[0])
