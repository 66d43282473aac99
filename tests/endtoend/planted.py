"""Deployments of the Service stack with something changed or taken out, by the plain CDK command line."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localcloud import cdk, outputs

STACK = "SpendSmart-Dev-Service"
Template = dict[str, Any]


def deploy(folder: Path, change: Callable[[Template], None]) -> None:
    """Deploy the stack with a changed template. Raises LocalCloudError with what the CLI said when that fails."""
    assembly = folder / "assembly"
    shutil.copytree(outputs.assembly(), assembly)
    path = assembly / f"{STACK}.template.json"
    before = path.read_bytes()
    template = json.loads(before)
    change(template)
    after = json.dumps(template).encode()
    assert after != json.dumps(json.loads(before)).encode(), "nothing was changed"
    path.write_bytes(after)
    # Templates are assets, known by the hash of their content: an unchanged hash would deploy the old one.
    manifest = json.loads((assembly / f"{STACK}.assets.json").read_text())
    old = next(key for key, file in manifest["files"].items() if file["source"]["path"] == path.name)
    new = hashlib.sha256(after).hexdigest()
    for name in (f"{STACK}.assets.json", "manifest.json"):
        file = assembly / name
        file.write_text(file.read_text().replace(old, new))
    cdk.run(
        [*("deploy", STACK, "--exclusively", "--app", str(assembly)), "--require-approval", "never", "--no-notices"]
    )


def container(template: Template, name: str) -> dict[str, Any]:
    """The container definition of that name in the task of that name."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ECS::TaskDefinition":
            for definition in resource["Properties"]["ContainerDefinitions"]:
                if definition["Name"] == name:
                    return definition
    raise LookupError(name)


def set_variable(template: Template, name: str, value: str, *, of: str = "web") -> None:
    for pair in container(template, of)["Environment"]:
        if pair["Name"] == name:
            pair["Value"] = value


def take_variable(template: Template, name: str) -> None:
    definition = container(template, "web")
    definition["Environment"] = [pair for pair in definition["Environment"] if pair["Name"] != name]


def take_secret(template: Template, name: str) -> None:
    definition = container(template, "web")
    definition["Secrets"] = [secret for secret in definition["Secrets"] if secret["Name"] != name]


def take_statement(template: Template, *, role: str, action: str) -> None:
    """Take the statement with that action out of the policy of the role whose logical id contains `role`."""
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::IAM::ManagedPolicy" and role in name:
            document = resource["Properties"]["PolicyDocument"]
            document["Statement"] = [s for s in document["Statement"] if action not in s["Action"]]
