"""Stack outputs of the last deploy, as `cdk deploy --outputs-file` wrote them, and the assembly they came from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud import layout
from localcloud.console import LocalCloudError


@dataclass(frozen=True, kw_only=True)
class Output:
    """One output value and the region of its stack."""

    value: str
    region: str


def path() -> Path:
    return layout.folder() / "outputs.json"


def assembly() -> Path:
    """The cloud assembly that is deployed."""
    return layout.folder() / "assembly"


def stack_regions() -> dict[str, str]:
    """Region by stack name, for every stack of the assembly."""
    manifest: dict[str, Any] = json.loads((assembly() / "manifest.json").read_text())
    return {
        artifact["properties"].get("stackName", name): artifact["environment"].rsplit("/", 1)[1]
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    }


def find(name: str) -> Output:
    """The output `name` of whichever stack has it. Raises LocalCloudError when none has."""
    stacks: dict[str, dict[str, str]] = json.loads(path().read_text()) if path().exists() else {}
    for stack, outputs in stacks.items():
        if name in outputs:
            return Output(value=outputs[name], region=stack_regions()[stack])
    raise LocalCloudError(f"no deployed stack has an output {name}", remedy="run: make up")


def value(name: str) -> str:
    return find(name).value
