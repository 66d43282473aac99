"""Policies that resources carry themselves: buckets, keys, secrets, topics, queues, repositories, vaults, functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from audit.access.names import arn, construct, text_of
from audit.access.statements import Condition, Statement, statements
from preflight.assembly import Assembly, Resource
from preflight.values import entries, target

_OF_OTHERS = {
    "AWS::S3::BucketPolicy": ("Bucket", "AWS::S3::Bucket", "PolicyDocument"),
    "AWS::SNS::TopicPolicy": ("Topics", "AWS::SNS::Topic", "PolicyDocument"),
    "AWS::SQS::QueuePolicy": ("Queues", "AWS::SQS::Queue", "PolicyDocument"),
    "AWS::SecretsManager::ResourcePolicy": ("SecretId", "AWS::SecretsManager::Secret", "ResourcePolicy"),
}
"""Type of the policy: the property that names its resources, their type, and the property that is the document."""

_OWN = {
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::ECR::Repository": "RepositoryPolicyText",
    "AWS::Backup::BackupVault": "AccessPolicy",
}
_SELF = frozenset({"AWS::KMS::Key", "AWS::ECR::Repository", "AWS::Backup::BackupVault", "AWS::SecretsManager::Secret"})
"""Types in whose policies `Resource` is `*` or absent and means the resource itself."""


@dataclass(frozen=True, kw_only=True)
class ResourcePolicy:
    """All statements on one resource. `path` is the resource's construct, `account` its owner."""

    arn: str
    path: str
    type: str
    account: str
    statements: tuple[Statement, ...]


def resource_policies(assembly: Assembly) -> dict[str, ResourcePolicy]:
    """By the ARN of the resource."""
    found: dict[str, ResourcePolicy] = {}
    for resource, own in _documents(assembly):
        name = arn(resource)
        before = found[name].statements if name in found else ()
        found[name] = ResourcePolicy(
            arn=name,
            path=construct(resource),
            type=resource.type,
            account=resource.stack.account or "",
            statements=before + tuple(_about(one, resource) for one in own),
        )
    return found


def _documents(assembly: Assembly) -> Iterator[tuple[Resource, tuple[Statement, ...]]]:
    for policy in assembly.of_type(*_OF_OTHERS):
        key, kind, document = _OF_OTHERS[policy.type]
        for entry in entries(policy.get(key)):
            resource = target(entry, kind)
            if resource is not None:
                yield resource, statements(policy.get(document).value, source=construct(policy))
    for resource in assembly.of_type(*_OWN):
        yield resource, statements(resource.get(_OWN[resource.type]).value, source=construct(resource))
    for permission in assembly.of_type("AWS::Lambda::Permission"):
        function = target(permission.get("FunctionName"), "AWS::Lambda::Function")
        if function is not None:
            yield function, (_invocation(permission, function),)


def _about(statement: Statement, resource: Resource) -> Statement:
    if resource.type in _SELF and statement.resources in ((), ("*",)) and not statement.not_resources:
        return replace(statement, resources=(arn(resource),))
    return statement


def _invocation(permission: Resource, function: Resource) -> Statement:
    principal = text_of(permission.get("Principal").value)
    kind = "Service" if principal.endswith(".amazonaws.com") else "*" if principal == "*" else "AWS"
    operators = {"SourceArn": ("ArnLike", "aws:SourceArn"), "SourceAccount": ("StringEquals", "aws:SourceAccount")}
    return Statement(
        effect="Allow",
        source=construct(permission),
        actions=(text_of(permission.get("Action").value),),
        resources=(arn(function),),
        principals=((kind, principal),),
        conditions=tuple(
            Condition(operator=operator, key=key, values=(text_of(permission.get(name).value),))
            for name, (operator, key) in operators.items()
            if not permission.get(name).absent
        ),
    )
