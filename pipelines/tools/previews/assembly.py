"""Whether an assembly that a branch's own code has made is one preview's, and nothing more.

What deploys it could deploy anything: so it looks before it does. The list is of types that a preview needs; a branch
that needs another one changes the list on main first.
"""

from __future__ import annotations

import hashlib
import json
import re
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
_QUALIFIER = "hnb659fds"
"""CDK's own: its bucket for what is deployed is named after it."""

_TRUSTED = "ecs-tasks.amazonaws.com"
"""Who may take the roles of a preview."""

_FUNCTIONS = re.compile(r"/spendsmart/[a-z0-9-]+/previews/(Database|Shares)Function")
"""Where the environment says which functions hand out its servers' shares (`stacks/previews.py`)."""

_OF_OTHERS = ("iam:", "sts:", "organizations:", "cloudformation:", "lambda:", "*")
"""How actions begin that no task of a preview needs, and with which one could become somebody else."""


def faults(folder: Path, *, stack: str, account: str, region: str, boundary: str) -> Iterator[str]:
    """What is not as it should be; nothing when it may be deployed. `boundary` is the name of the policy that bounds
    the environment's roles."""
    manifest = json.loads((folder / "manifest.json").read_text())
    stacks = [
        (artifact.get("properties", {}).get("stackName", name), artifact)
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    ]
    names = [name for name, _ in stacks]
    if nested := [name for name, each in manifest["artifacts"].items() if each["type"] == "cdk:cloud-assembly"]:
        yield f"there are assemblies in it: {', '.join(nested)}"
    if names != [stack]:
        yield f"its stacks are {', '.join(names) or 'none'}; {stack} and no other may be"
        return
    ((_, artifact),) = stacks
    if artifact.get("environment") != f"aws://{account}/{region}":
        yield f"{stack} goes to {artifact.get('environment')}, not to aws://{account}/{region}"
    yield from _of_assets(folder, manifest, artifact, bucket=f"cdk-{_QUALIFIER}-assets-{account}-{region}")
    template = json.loads((folder / artifact["properties"]["templateFile"]).read_text())
    if "Transform" in template or '"Fn::Transform"' in json.dumps(template):
        yield "its template has a transform, which could make anything of it"
    yield from _of_template(template, boundary=f"arn:aws:iam::{account}:policy/{boundary}")


def _of_template(template: dict[str, Any], *, boundary: str) -> Iterator[str]:
    resources = template.get("Resources", {})
    roles = [name for name, each in resources.items() if each["Type"] == "AWS::IAM::Role"]
    for name, resource in resources.items():
        kind, properties = resource["Type"], resource.get("Properties", {})
        if kind not in _TYPES:
            yield f"{name} is a {kind}, which no preview has"
        if kind.startswith("Custom::"):
            yield from _of_custom_resource(name, properties, template.get("Parameters", {}))
        if kind == "AWS::IAM::Role":
            yield from _of_role(name, properties, boundary=boundary)
        if kind in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
            yield from _of_policy(name, properties["PolicyDocument"])
            if any(role not in [{"Ref": own} for own in roles] for role in properties.get("Roles", [])):
                yield f"{name} is for roles that are not the preview's own"
            if {"Users", "Groups"} & properties.keys():
                yield f"{name} is for people"
        for role in ("TaskRoleArn", "ExecutionRoleArn", "Role"):
            if role in properties and properties[role] not in [{"Fn::GetAtt": [own, "Arn"]} for own in roles]:
                yield f"{name} takes a role that is not the preview's own"


def _of_assets(folder: Path, manifest: dict[str, Any], stack: dict[str, Any], *, bucket: str) -> Iterator[str]:
    """What is uploaded before the deployment may be this very template and nothing else: CloudFormation takes what was
    uploaded, and the source of an asset may be a command, which would run with the rights of what deploys (cloud
    assembly schema, FileSource and DockerImageSource: "executable")."""
    file = stack["properties"]["templateFile"]
    uploaded = f"{hashlib.sha256((folder / file).read_bytes()).hexdigest()}.json"
    url = f"s3://{bucket}/{uploaded}"
    if stack["properties"].get("stackTemplateAssetObjectUrl", url) != url:
        yield "its template is another than the one in it"
    more = stack.get("additionalMetadataFile")
    metadata = stack.get("metadata"), json.loads((folder / more).read_text()) if more else None
    if '"aws:cdk:asset"' in json.dumps(metadata):  # how assets were told of before there were manifests of them
        yield "it uploads more than its template"
    for artifact in manifest["artifacts"].values():
        if artifact["type"] != "cdk:asset-manifest":
            continue
        listed = json.loads((folder / artifact["properties"]["file"]).read_text())
        if listed.get("dockerImages"):
            yield "it has images to build; the image of a preview is there already"
        for asset in listed.get("files", {}).values():
            targets = {(each["bucketName"], each["objectKey"]) for each in asset["destinations"].values()}
            if asset["source"] != {"path": file, "packaging": "file"} or targets != {(bucket, uploaded)}:
                yield "it uploads more than its template"


def _of_custom_resource(name: str, properties: dict[str, Any], parameters: dict[str, Any]) -> Iterator[str]:
    """Its function is one that the environment has for previews, and says where it is."""
    token = properties.get("ServiceToken")
    named = parameters.get(str(token.get("Ref")), {}) if isinstance(token, dict) else {}
    told = named.get("Type") == "AWS::SSM::Parameter::Value<String>"
    if not told or not _FUNCTIONS.fullmatch(str(named.get("Default"))):
        yield f"{name} calls a function that is not for previews"


def _of_role(name: str, properties: dict[str, Any], *, boundary: str) -> Iterator[str]:
    trusted = {
        json.dumps(statement.get("Principal"), sort_keys=True)
        for statement in properties.get("AssumeRolePolicyDocument", {}).get("Statement", [])
    }
    if trusted != {json.dumps({"Service": _TRUSTED})}:
        yield f"{name} may be taken by others than {_TRUSTED}"
    if properties.get("ManagedPolicyArns"):
        yield f"{name} has managed policies"
    if properties.get("PermissionsBoundary") != boundary:
        yield f"{name} is not bounded by {boundary}"
    policies = properties.get("Policies", [])
    if not isinstance(policies, list):
        yield f"{name} has policies that are no list"
        return
    for policy in policies:
        yield from _of_policy(name, policy.get("PolicyDocument", {}))


def _of_policy(name: str, document: dict[str, Any]) -> Iterator[str]:
    statements = document.get("Statement")
    if not isinstance(statements, list):
        yield f"{name} has a policy without a list of statements"
        return
    for statement in statements:
        if statement.get("Effect") == "Deny":
            continue
        actions = statement.get("Action", ["*"])
        for action in actions if isinstance(actions, list) else [actions]:
            if not isinstance(action, str) or action.lower().startswith(_OF_OTHERS):
                yield f"{name} allows {action}"
