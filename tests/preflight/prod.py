"""The real prod assembly, to plant faults into."""

from __future__ import annotations

import copy
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from preflight.assembly import Assembly
from tests.preflight import mutations

PREFIX = "SpendSmart-Prod-"


class Prod:
    """A copy of the prod assembly whose templates may be changed; `assembly()` is what preflight then sees."""

    def __init__(self, sound: Assembly) -> None:
        self._stacks = {stack.name: stack for stack in sound.stacks}
        self._templates: dict[str, dict[str, Any]] = {}
        self._places: dict[str, dict[str, str]] = {}

    def template(self, stack: str) -> dict[str, Any]:
        """The raw template of a stack ("Service"), to be changed in place."""
        name = PREFIX + stack
        if name not in self._templates:
            self._templates[name] = copy.deepcopy(self._stacks[name].template)
        return self._templates[name]

    def changed(self) -> dict[str, dict[str, Any]]:
        """The templates that were asked for, by stack name."""
        return self._templates

    def resource(self, stack: str, resource_type: str, path: str = "") -> dict[str, Any]:
        """The first resource of the type whose construct path contains `path`."""
        for logical_id, resource in self.template(stack)["Resources"].items():
            if resource["Type"] == resource_type and path in self._path(stack, logical_id):
                return resource  # type: ignore[no-any-return]
        raise LookupError(f"{stack} has no {resource_type} with {path!r} in its path")

    def logical_id(self, resource: dict[str, Any]) -> str:
        return self._find(resource)[1]

    def path(self, resource: dict[str, Any]) -> str:
        """The construct path that a finding has to name."""
        return self._path(*self._find(resource))

    def add(self, stack: str, logical_id: str, resource: dict[str, Any]) -> dict[str, Any]:
        """Put in a resource that prod does not have."""
        resource.setdefault("Metadata", {})["aws:cdk:path"] = f"{PREFIX}{stack}/{logical_id}/Resource"
        self.template(stack)["Resources"][logical_id] = resource
        return resource

    def move(self, stack: str, **place: str) -> None:
        """Say that a stack is deployed to another `region` or `account`."""
        self.template(stack)
        self._places[PREFIX + stack] = place

    def assembly(self) -> Assembly:
        made = Assembly()
        for name, stack in self._stacks.items():
            template = self._templates.get(name, stack.template)
            made.stacks.append(replace(stack, template=template, assembly=made, **self._places.get(name, {})))
        return made

    def _find(self, wanted: dict[str, Any]) -> tuple[str, str]:
        for name, template in self._templates.items():
            for logical_id, resource in template["Resources"].items():
                if resource is wanted:
                    return name.removeprefix(PREFIX), logical_id
        raise LookupError("this resource is in no stack")

    def _path(self, stack: str, logical_id: str) -> str:
        written = self.template(stack)["Resources"][logical_id].get("Metadata", {}).get("aws:cdk:path")
        known = self._stacks[PREFIX + stack].construct_paths
        return str(written or known.get(logical_id) or f"{PREFIX}{stack}/{logical_id}")


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One planted fault: `plant` changes the assembly and returns the construct path that has to be named."""

    name: str
    rule_id: str
    constraint: int | None
    plant: Callable[[Prod], str]


_MUTATIONS: list[Mutation] = []


def plants(rule_id: str, *, constraint: int | None = None) -> Callable[[Callable[[Prod], str]], Callable[[Prod], str]]:
    """Register a function that plants a fault which the rule `rule_id` has to find."""

    def register(plant: Callable[[Prod], str]) -> Callable[[Prod], str]:
        _MUTATIONS.append(Mutation(name=plant.__name__, rule_id=rule_id, constraint=constraint, plant=plant))
        return plant

    return register


def all_mutations() -> list[Mutation]:
    for module in pkgutil.iter_modules(mutations.__path__):
        importlib.import_module(f"{mutations.__name__}.{module.name}")
    return _MUTATIONS
