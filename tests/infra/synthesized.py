"""What a synth left behind, in the form that tests ask for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Template:
    """One synthesized stack. `name` is without its prefix, as in `Service`."""

    name: str
    region: str
    body: dict[str, Any]

    def all(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """Whole resources of one type by logical id."""
        found = self.body.get("Resources", {})
        return {name: resource for name, resource in found.items() if resource["Type"] == resource_type}

    def properties(self, resource_type: str, *, containing: str = "") -> list[dict[str, Any]]:
        """Properties of the resources of one type whose logical id contains a text."""
        return [r.get("Properties", {}) for name, r in self.all(resource_type).items() if containing in name]

    def one(self, resource_type: str, *, containing: str = "") -> dict[str, Any]:
        """Properties of the only such resource."""
        found = self.properties(resource_type, containing=containing)
        assert len(found) == 1, f"{len(found)} resources {resource_type} like {containing!r} in {self.name}"
        return found[0]


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """One synthesized environment."""

    environment: str
    directory: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads((self.directory / "manifest.json").read_text())
        return manifest

    @cached_property
    def templates(self) -> dict[str, Template]:
        prefix = f"SpendSmart-{self.environment.capitalize()}-"
        return {
            name.removeprefix(prefix): Template(
                name=name.removeprefix(prefix),
                region=artifact["environment"].rsplit("/", 1)[1],
                body=json.loads((self.directory / artifact["properties"]["templateFile"]).read_text()),
            )
            for name, artifact in self.manifest["artifacts"].items()
            if artifact["type"] == "aws:cloudformation:stack"
        }

    def __getitem__(self, stack: str) -> Template:
        return self.templates[stack]
