"""Whether an assembly that a branch's own code has made is one preview's, and nothing more.

What deploys it could deploy anything: so it looks before it does. The list is of types that a preview needs; a branch
that needs another one changes the list on main first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_TYPES = frozenset(
    {
        "AWS::CDK::Metadata",
        "AWS::ECS::Service",
        "AWS::ECS::TaskDefinition",
        "AWS::ElastiCache::User",
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::Logs::LogGroup",
        "AWS::SecretsManager::Secret",
        "Custom::PreviewDatabase",
        "Custom::PreviewKeys",
        "Custom::PreviewObjects",
        "Custom::PreviewPriority",
        "Custom::PreviewRole",
        "Custom::PreviewValkeyUser",
    }
)
_TRUSTED = "ecs-tasks.amazonaws.com"
"""Who may take the roles of a preview."""

_OF_OTHERS = ("iam:", "sts:", "organizations:", "cloudformation:", "lambda:", "*")
"""How actions begin that no task of a preview needs, and with which one could become somebody else."""


def faults(folder: Path, *, stack: str, account: str, region: str) -> Iterator[str]:
    """What is not as it should be; nothing when it may be deployed."""
    manifest = json.loads((folder / "manifest.json").read_text())
    stacks = {
        artifact.get("properties", {}).get("stackName", name): artifact
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    if nested := [name for name, each in manifest["artifacts"].items() if each["type"] == "cdk:cloud-assembly"]:
        yield f"there are assemblies in it: {', '.join(nested)}"
    if list(stacks) != [stack]:
        yield f"its stacks are {', '.join(stacks) or 'none'}; {stack} and no other may be"
        return
    artifact = stacks[stack]
    if artifact.get("environment") != f"aws://{account}/{region}":
        yield f"{stack} goes to {artifact.get('environment')}, not to aws://{account}/{region}"
    template = json.loads((folder / artifact["properties"]["templateFile"]).read_text())
    if "Transform" in template:
        yield "its template has a transform, which could make anything of it"
    for name, resource in template.get("Resources", {}).items():
        yield from _of_resource(name, resource)


def _of_resource(name: str, resource: dict[str, Any]) -> Iterator[str]:
    kind = resource["Type"]
    if kind not in _TYPES:
        yield f"{name} is a {kind}, which no preview has"
    properties = resource.get("Properties", {})
    if kind == "AWS::IAM::Role":
        trusted = {
            json.dumps(statement.get("Principal"), sort_keys=True)
            for statement in properties.get("AssumeRolePolicyDocument", {}).get("Statement", [])
        }
        if trusted != {json.dumps({"Service": _TRUSTED})}:
            yield f"{name} may be taken by others than {_TRUSTED}"
        if properties.get("ManagedPolicyArns"):
            yield f"{name} has managed policies"
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    elif kind in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
        documents = [properties["PolicyDocument"]]
    else:
        documents = []
    for document in documents:
        yield from _of_policy(name, document)


def _of_policy(name: str, document: dict[str, Any]) -> Iterator[str]:
    for statement in document.get("Statement", []):
        if statement.get("Effect") == "Deny":
            continue
        actions = statement.get("Action", ["*"])
        for action in [actions] if isinstance(actions, str) else actions:
            if not isinstance(action, str) or action.lower().startswith(_OF_OTHERS):
                yield f"{name} allows {action}"
