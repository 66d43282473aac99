"""Roles and users of templates: what they are for, whom they trust, and which policies and boundaries they carry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from audit.access.managed import managed_statements
from audit.access.names import arn, construct, text_of
from audit.access.statements import Statement, statements
from preflight.assembly import Assembly, Resource
from preflight.values import entries, target


class Kind(Enum):
    """What a principal is for, by what uses it."""

    TASK = "task role"
    EXECUTION = "execution role"
    FUNCTION = "function role"
    BUILD = "build role"
    PIPELINE = "pipeline role"
    SERVICE = "service role"
    BOOTSTRAP = "bootstrap role"
    HUMAN = "people's role"


_USES = {
    "AWS::ECS::TaskDefinition": (("TaskRoleArn", Kind.TASK), ("ExecutionRoleArn", Kind.EXECUTION)),
    "AWS::Lambda::Function": (("Role", Kind.FUNCTION),),
    "AWS::CodeBuild::Project": (("ServiceRole", Kind.BUILD),),
    "AWS::CodePipeline::Pipeline": (("RoleArn", Kind.PIPELINE),),
}


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A role or user. `boundary` is None without one; `unknown` names policies whose documents are not at hand."""

    arn: str
    path: str
    kind: Kind
    environment: str
    account: str
    trust: tuple[Statement, ...] = ()
    identity: tuple[Statement, ...] = ()
    boundary: tuple[Statement, ...] | None = None
    boundary_name: str = ""
    unknown: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.arn.rpartition("/")[2]


def principals(assembly: Assembly) -> Iterator[Principal]:
    """Every role and user of the assembly."""
    kinds = _kinds(assembly)
    attached = _attached(assembly)
    for resource in assembly.of_type("AWS::IAM::Role", "AWS::IAM::User"):
        policies = _Policies(resource, attached.get(resource, []))
        boundary = policies.boundary()
        yield Principal(
            arn=arn(resource),
            path=construct(resource),
            kind=kinds.get(resource) or _kind_by_trust(resource),
            environment=environment_of(resource),
            account=resource.stack.account or "",
            trust=statements(_property(resource, "AssumeRolePolicyDocument"), source=construct(resource)),
            identity=tuple(policies.identity()),
            boundary=boundary,
            boundary_name=text_of(_property(resource, "PermissionsBoundary")) if boundary is not None else "",
            unknown=tuple(policies.unknown),
        )


def environment_of(resource: Resource) -> str:
    """The value of the tag `Environment`; the stack's name where there is none."""
    tags = _property(resource, "Tags")
    for tag in tags if isinstance(tags, list) else ():
        if isinstance(tag, dict) and tag.get("Key") == "Environment":
            return text_of(tag.get("Value", ""))
    return _stack_environment(resource)


def _stack_environment(resource: Resource) -> str:
    """Of what takes no tags: the environment of what else is in the stack."""
    for other in resource.stack.resources.values():
        tags = _property(other, "Tags")
        for tag in tags if isinstance(tags, list) else ():
            if isinstance(tag, dict) and tag.get("Key") == "Environment":
                return text_of(tag.get("Value", ""))
    return resource.stack.name


class _Policies:
    """Gathers what a role carries, and notes what is not at hand."""

    def __init__(self, role: Resource, attached: list[Resource]) -> None:
        self._role = role
        self._attached = attached
        self.unknown: list[str] = []

    def identity(self) -> Iterator[Statement]:
        inline = _property(self._role, "Policies")
        for policy in inline if isinstance(inline, list) else ():
            if isinstance(policy, dict):
                yield from statements(policy.get("PolicyDocument"), source=construct(self._role))
        for resource in self._attached:
            yield from statements(_property(resource, "PolicyDocument"), source=construct(resource))
        for entry in entries(self._role.get("ManagedPolicyArns")):
            yield from self._managed(entry) or ()

    def boundary(self) -> tuple[Statement, ...] | None:
        given = self._role.get("PermissionsBoundary")
        # With an unknown boundary nothing narrower can be claimed than without.
        return None if given.absent else self._managed(given)

    def _managed(self, node: Any) -> tuple[Statement, ...] | None:
        resource = target(node, "AWS::IAM::ManagedPolicy")
        if resource is not None:
            return statements(_property(resource, "PolicyDocument"), source=construct(resource))
        name = text_of(node.value)
        found = managed_statements(name)
        if found is None:
            self.unknown.append(name)
        return found


def _attached(assembly: Assembly) -> dict[Resource, list[Resource]]:
    """Policies that name the roles they belong to."""
    found: dict[Resource, list[Resource]] = {}
    for policy in assembly.of_type("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"):
        for key, kind in (("Roles", "AWS::IAM::Role"), ("RoleName", "AWS::IAM::Role"), ("Users", "AWS::IAM::User")):
            for entry in entries(policy.get(key)):
                owner = target(entry, kind)
                if owner is not None:
                    found.setdefault(owner, []).append(policy)
    return found


def _kinds(assembly: Assembly) -> dict[Resource, Kind]:
    found: dict[Resource, Kind] = {}
    for resource in assembly.of_type(*_USES):
        for key, kind in _USES[resource.type]:
            role = target(resource.get(key), "AWS::IAM::Role")
            if role is not None:
                found[role] = kind
    return found


def _kind_by_trust(resource: Resource) -> Kind:
    tags = _property(resource, "Tags")
    if any(isinstance(tag, dict) and tag.get("Key") == "aws-cdk:bootstrap-role" for tag in tags or ()):
        return Kind.BOOTSTRAP
    trust = statements(_property(resource, "AssumeRolePolicyDocument"), source="")
    services = [value for one in trust for kind, value in one.principals if kind == "Service"]
    return Kind.SERVICE if services else Kind.HUMAN


def _property(resource: Resource, name: str) -> Any:
    return resource.properties.get(name) if isinstance(resource.properties, dict) else None
