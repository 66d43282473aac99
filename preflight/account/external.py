"""What the stacks read or use of the account without making it: parameters, secrets and keys that must be there."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from preflight.account.answer import Answer, failed, passed
from preflight.account.api import Account
from preflight.account.registry import check
from preflight.account.texts import literals
from preflight.assembly import Assembly

KEY = re.compile(r"arn:[\w-]+:kms:(?P<region>[\w-]+):\d{12}:key/[\w-]+")
SECRET = re.compile(r"arn:[\w-]+:secretsmanager:(?P<region>[\w-]+):\d{12}:secret:[\w/+=.@-]+")
DYNAMIC = re.compile(r"\{\{resolve:(?P<service>ssm|ssm-secure|secretsmanager):(?P<name>[\w/+=.@-]+)")
PUBLIC = "/aws/service/"
BOOTSTRAP = "/cdk-bootstrap/"


@check("parameters-read", title="The SSM parameters that the templates read exist")
def parameters_read(account: Account, assembly: Assembly) -> Iterator[Answer]:
    """CloudFormation looks them up before it makes anything: a missing one refuses the whole change set."""
    readers: dict[tuple[str, str], set[str]] = defaultdict(set)
    made: dict[str, set[str]] = defaultdict(set)
    for stack in account.stacks(assembly):
        region = account.region(stack)
        for name in _parameter_types(stack.parameters) | _dynamic(stack.template, "ssm", "ssm-secure"):
            readers[region, name].add(stack.name)
        made[region] |= {str(own.name) for own in stack.of_type("AWS::SSM::Parameter") if own.name}

    def one(item: tuple[str, str]) -> Iterator[Answer]:
        region, name = item
        subject = f"{region} {name}"
        if name in made[region]:
            yield passed(subject, "made by these stacks")
        elif _parameter_exists(account, region, name):
            yield passed(subject, "exists")
        else:
            yield failed(
                subject,
                f"not there; read by {', '.join(sorted(readers[item]))}",
                remedy=f"aws ssm put-parameter --region {region} --name {name} --type String --value …",
            )

    yield from account.each(sorted(readers), one, subject=lambda item: " ".join(item))


def _parameter_exists(account: Account, region: str, name: str) -> bool:
    if name.startswith(PUBLIC):
        found = account.ask("ssm", "GetParameter", region=region, absent=("ParameterNotFound",), Name=name)
        return found is not None
    # Described, not read: the check has no business with the account's values.
    filters = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    return bool(account.every("ssm", "DescribeParameters", "Parameters", region=region, ParameterFilters=filters))


@check("secrets-read", title="The secrets that the templates name exist")
def secrets_read(account: Account, assembly: Assembly) -> Iterator[Answer]:
    readers: dict[tuple[str, str], set[str]] = defaultdict(set)
    made: dict[str, set[str]] = defaultdict(set)
    for stack in account.stacks(assembly):
        region = account.region(stack)
        made[region] |= {str(own.name) for own in stack.of_type("AWS::SecretsManager::Secret") if own.name}
        for name in _dynamic(stack.template, "secretsmanager"):
            if not name.startswith("arn:"):
                readers[region, name].add(stack.name)
        for resource in stack.resources.values():
            for literal in literals(resource.get()):
                for match in SECRET.finditer(literal):
                    # A policy over "every secret called …" is no use of one secret.
                    if not literal[match.end() :].startswith("*"):
                        readers[match["region"], match[0]].add(resource.construct_path)

    def one(item: tuple[str, str]) -> Iterator[Answer]:
        region, name = item
        if name in made[region]:
            yield passed(name, "made by these stacks")
            return
        found = account.ask(
            "secretsmanager", "DescribeSecret", region=region, absent=("ResourceNotFoundException",), SecretId=name
        )
        if found is None:
            yield failed(
                name, f"not there; used by {', '.join(sorted(readers[item]))}", remedy="create the secret first"
            )
        elif found.get("DeletedDate") is not None:
            yield failed(name, "waits to be deleted", remedy=f"aws secretsmanager restore-secret --secret-id {name}")
        else:
            yield passed(name, "exists")

    yield from account.each(sorted(readers), one, subject=lambda item: item[1])


@check("keys", title="The KMS keys that the templates name are enabled", constraints=(63, 110))
def keys(account: Account, assembly: Assembly) -> Iterator[Answer]:
    users: dict[str, set[str]] = defaultdict(set)
    for stack in account.stacks(assembly):
        for resource in stack.resources.values():
            for literal in literals(resource.get()):
                for match in KEY.finditer(literal):
                    users[match[0]].add(resource.construct_path)

    def one(arn: str) -> Iterator[Answer]:
        match = KEY.fullmatch(arn)
        region = match["region"] if match else ""
        found = account.ask("kms", "DescribeKey", region=region, absent=("NotFoundException",), KeyId=arn)
        state = str((found or {}).get("KeyMetadata", {}).get("KeyState", "not there"))
        if state == "Enabled":
            yield passed(arn, state)
        else:
            yield failed(
                arn,
                f"{state}; used by {', '.join(sorted(users[arn]))}",
                remedy="aws kms cancel-key-deletion and enable-key, or name another key",
            )

    yield from account.each(sorted(users), one)


def _parameter_types(parameters: dict[str, Any]) -> set[str]:
    """Names that parameters of an SSM type have by default; the bootstrap's own has a check of its own."""
    return {
        declared["Default"]
        for declared in parameters.values()
        if isinstance(declared, dict)
        and str(declared.get("Type", "")).startswith("AWS::SSM::Parameter::")
        and isinstance(declared.get("Default"), str)
        and declared["Default"]
        and not declared["Default"].startswith(BOOTSTRAP)
    }


def _dynamic(template: dict[str, Any], *services: str) -> set[str]:
    """Names in dynamic references ({{resolve:…}}) anywhere in the template."""
    found = set()
    pending: list[Any] = [template.get("Resources")]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            found |= {match["name"] for match in DYNAMIC.finditer(value) if match["service"] in services}
        elif isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return found
