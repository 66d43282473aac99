"""The real assemblies, and copies of them in which one thing was changed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from preflight.assembly import Assembly, Stack
from preflight.loading import load
from stacks.platform import SpendSmartPlatform

Resources = dict[str, dict[str, Any]]


def synthesize(environment: str, folder: Path) -> Path:
    SpendSmartPlatform(environment=environment, validate=False, outdir=str(folder)).synth()
    return folder


def planted(folder: Path, stack: str, edit: Callable[[Resources], None]) -> Assembly:
    """The assembly in `folder`, after `edit` has changed the resources of the stack whose name ends with `stack`."""
    edited = []

    def change(name: str, template: dict[str, Any]) -> dict[str, Any]:
        if not name.endswith(f"-{stack}"):
            return template
        template = copy.deepcopy(template)
        edit(template["Resources"])
        edited.append(name)
        return template

    assembly = rewritten(folder, change)
    assert len(edited) == 1, f"stacks called {stack}: {edited}"
    return assembly


def rewritten(folder: Path, change: Callable[[str, dict[str, Any]], dict[str, Any]]) -> Assembly:
    """The assembly in `folder` with other templates: nothing of it was resolved before the change."""
    made = Assembly()
    for stack in load(folder).stacks:
        made.stacks.append(replace(stack, assembly=made, template=change(stack.name, stack.template)))
    return made


def small(account: str = "111111111111", *, name: str = "App", **resources: dict[str, Any]) -> Assembly:
    """One stack of these resources in us-east-1."""
    assembly = Assembly()
    template = {"Resources": resources}
    assembly.stacks.append(Stack(name, template, assembly, file=name, region="us-east-1", account=account))
    return assembly


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def logical_id(resources: Resources, kind: str, part: str = "") -> str:
    """The logical id of the one resource of this type whose id has `part` in it."""
    (found,) = (key for key, one in resources.items() if one["Type"] == kind and part in key)
    return found
