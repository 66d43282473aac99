"""Cloud assemblies, their deployed stacks, and the comparison of the two."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from localcloud.readback.compare import differences
from localcloud.readback.reader import READERS, Client, Reader
from localcloud.readback.values import Stack, resolve

ClientOf = Callable[[str, str], Any]
"""A boto3 client by service and region."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One difference, or a resource that could not be read."""

    stack: str
    logical_id: str
    type: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Result:
    resources: int
    properties: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class _Artifact:
    stack_name: str
    account: str
    region: str
    template: dict[str, Any]


def check(assembly: Path, client_of: ClientOf) -> Result:
    """Compare every resource of every stack in the assembly with what the API shows."""
    resources = properties = 0
    findings: list[Finding] = []
    outputs = _outputs(client_of)
    for artifact in _artifacts(assembly):
        stack = _deployed(artifact, client_of, outputs)
        for logical_id, definition in artifact.template.get("Resources", {}).items():
            wanted = resolve(definition.get("Properties", {}), stack)
            resources += 1
            properties += len(wanted)
            findings += [
                Finding(stack=stack.name, logical_id=logical_id, type=definition["Type"], message=message)
                for message in _compare(definition["Type"], logical_id, wanted, stack, client_of)
            ]
    return Result(resources=resources, properties=properties, findings=tuple(findings))


def _artifacts(assembly: Path) -> Iterator[_Artifact]:
    manifest = json.loads((assembly / "manifest.json").read_text())
    for name, artifact in manifest["artifacts"].items():
        if artifact["type"] != "aws:cloudformation:stack":
            continue
        account, region = artifact["environment"].removeprefix("aws://").split("/")
        yield _Artifact(
            stack_name=artifact["properties"].get("stackName", name),
            account=account,
            region=region,
            template=json.loads((assembly / artifact["properties"]["templateFile"]).read_text()),
        )


def _outputs(client_of: ClientOf) -> Callable[[str, str, str], str]:
    @cache
    def of_stack(region: str, stack: str) -> dict[str, str]:
        found = client_of("cloudformation", region).describe_stacks(StackName=stack)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}

    return lambda region, stack, name: of_stack(region, stack)[name]


def _deployed(artifact: _Artifact, client_of: ClientOf, outputs: Callable[[str, str, str], str]) -> Stack:
    cloudformation = client_of("cloudformation", artifact.region)
    found = cloudformation.describe_stacks(StackName=artifact.stack_name)["Stacks"][0]
    ids = {
        summary["LogicalResourceId"]: summary["PhysicalResourceId"]
        for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=artifact.stack_name)
        for summary in page["StackResourceSummaries"]
    }
    return Stack(
        name=artifact.stack_name,
        region=artifact.region,
        account=artifact.account,
        stack_id=found["StackId"],
        physical_ids=ids,
        parameters={
            parameter["ParameterKey"]: parameter.get("ResolvedValue") or parameter["ParameterValue"]
            for parameter in found.get("Parameters", [])
        },
        output_of=outputs,
        definitions=artifact.template.get("Resources", {}),
    )


def _compare(
    type_name: str, logical_id: str, wanted: dict[str, Any], stack: Stack, client_of: ClientOf
) -> Iterator[str]:
    reader = READERS.get("Custom::" if type_name.startswith("Custom::") else type_name)
    if reader is None:
        yield "no reader for this type: whether it was deployed as written is unknown"
        return
    physical_id = stack.physical_ids.get(logical_id)
    if physical_id is None:
        yield "the deployed stack has no such resource"
        return

    def client(service: str, region: str | None = None) -> Any:
        return client_of(service, region or stack.region)

    try:
        found = _read(reader, client, physical_id, wanted)
    except (ClientError, BotoCoreError, ResponseParserError, LookupError, ValueError) as error:
        yield f"{physical_id} could not be read: {type(error).__name__}: {error}"
        return
    for name, value in wanted.items():
        if name in reader.unreadable:
            continue
        shaped = reader.shaped[name](value) if name in reader.shaped else value
        yield from differences({name: shaped}, {name: found.get(name)} if found.get(name) is not None else {}, "")


def _read(reader: Reader, client: Client, physical_id: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """What the API shows, under the template's names."""
    record = reader.read(client, physical_id, wanted)
    found = {}
    for name in wanted:
        value: Any = record
        for step in reader.renamed.get(name, name).split("."):
            known = {str(key).lower(): key for key in value} if isinstance(value, dict) else {}
            value = value[known[step.lower()]] if step.lower() in known else None
            if value is None:
                break
        found[name] = value
    return found
