"""Roles, policies and secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from audit.pack.rule import Breach, rule
from preflight.assembly import Assembly, Resource
from preflight.values import Node, entries, is_unknown, strings, target, text

_SECRET = "AWS::SecretsManager::Secret"  # noqa: S105  (a type)
_ATTACHMENT = "AWS::SecretsManager::SecretTargetAttachment"
_POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy")

_SECRET_NAME = re.compile(r"(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIAL)", re.IGNORECASE)
_POINTER_NAME = re.compile(
    r"(ARN|NAME|ID|URL|PATH|FILE|SECONDS|DAYS|LIMIT|PER_MINUTE|TOKENS|HOURS|MINUTES)$", re.IGNORECASE
)
_SECRET_VALUE = re.compile(r"(-----BEGIN|\bAKIA[0-9A-Z]{16}\b|\bsk-[A-Za-z0-9_-]{16,}|://[^/:@\s]+:[^/@\s]+@)")


@rule(
    "RoleBounded",
    title="Every role has a permissions boundary",
    why="A mistake in one policy could otherwise let a task or function make identities, and so do anything",
    remedy="Put the stack under the boundary of its environment (infra.permissions.bound_roles).",
    controls=("AC-2", "AC-6"),
)
def roles_bounded(assembly: Assembly) -> Iterator[Breach]:
    for role in assembly.of_type("AWS::IAM::Role"):
        if role.get("PermissionsBoundary").absent:
            yield Breach(resource=role, message="It has no permissions boundary", at="PermissionsBoundary")


@rule(
    "PassRoleNamed",
    title="No policy passes any role to any service",
    why="Whoever may pass every role may start a task or function with the rights of any of them",
    remedy="Name the roles, and the service they are passed to (iam:PassedToService).",
    controls=("AC-3", "AC-6"),
)
def pass_role_named(assembly: Assembly) -> Iterator[Breach]:
    for resource in assembly.of_type(*_POLICIES, "AWS::IAM::Role"):
        for statement in _statements(resource):
            passes = any(
                action in ("iam:PassRole", "iam:*", "iam:Pass*", "*") for action in strings(statement["Action"])
            )
            if passes and text(statement["Effect"]) == "Allow" and "*" in strings(statement["Resource"]):
                yield Breach(resource=resource, message="It may pass every role of the account", at=statement.path())
                break


def _statements(resource: Resource) -> Iterator[Node]:
    yield from entries(resource.get("PolicyDocument", "Statement"))
    for policy in entries(resource.get("Policies")):
        yield from entries(policy.get("PolicyDocument", "Statement"))


@rule(
    "SecretRotates",
    title="Every secret rotates",
    why="A password that leaked unnoticed stays good for ever",
    remedy="Add a rotation schedule, or acknowledge why nothing can rotate it.",
    controls=("IA-5(1)", "SC-12"),
)
def secrets_rotate(assembly: Assembly) -> Iterator[Breach]:
    rotated = set()
    for schedule in assembly.of_type("AWS::SecretsManager::RotationSchedule"):
        secret = target(schedule.get("SecretId"), _SECRET, _ATTACHMENT)
        if secret is not None and secret.type == _ATTACHMENT:
            secret = target(secret.get("SecretId"), _SECRET)
        rotated.add(secret)
    for secret in assembly.of_type(_SECRET):
        if secret not in rotated:
            yield Breach(resource=secret, message="Nothing gives it a new value")


@rule(
    "NoSecretInEnvironment",
    title="No secret is written into an environment variable",
    why="The template, the console and every log of the deploy would show it to whoever may read them",
    remedy="Keep it in Secrets Manager: name it in a container's Secrets, or give a function its ARN.",
    controls=("IA-5(7)", "SC-28"),
)
def no_secret_in_environment(assembly: Assembly) -> Iterator[Breach]:
    for resource, node, name, value in _variables(assembly):
        named = _SECRET_NAME.search(name) and not _POINTER_NAME.search(name)
        if (named and _is_plain(value)) or _SECRET_VALUE.search(text(value) or ""):
            message = f"The environment variable {name} looks like a secret"
            yield Breach(resource=resource, message=message, finding=name, at=node.path())


def _variables(assembly: Assembly) -> Iterator[tuple[Resource, Node, str, Node]]:
    for task in assembly.of_type("AWS::ECS::TaskDefinition"):
        for container in entries(task.get("ContainerDefinitions")):
            for variable in entries(container.get("Environment")):
                yield task, variable, text(variable.get("Name")) or "", variable.get("Value")
    for function in assembly.of_type("AWS::Lambda::Function"):
        variables = function.get("Environment", "Variables")
        for name in variables.value if isinstance(variables.value, dict) else ():
            yield function, variables.get(name), name, variables.get(name)
    for project in assembly.of_type("AWS::CodeBuild::Project"):
        for variable in entries(project.get("Environment", "EnvironmentVariables")):
            if text(variable.get("Type")) in (None, "PLAINTEXT"):
                yield project, variable, text(variable.get("Name")) or "", variable.get("Value")


def _is_plain(value: Node) -> bool:
    """Written out, and no pointer to where the secret is; a dynamic reference in a variable is its value as well."""
    if is_unknown(value):
        return "{{resolve:secretsmanager:" in str(value.value)
    written = text(value) or ""
    return bool(written) and not written.startswith("arn:")
