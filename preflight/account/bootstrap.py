"""What `cdk bootstrap` leaves in each account and region, and whom it trusts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from preflight.account.answer import Answer, failed, passed
from preflight.account.api import Account
from preflight.account.registry import check
from preflight.account.stacks import STUCK
from preflight.assembly import Assembly, Stack

VERSION_PARAMETER = re.compile(r"/cdk-bootstrap/(?P<qualifier>[A-Za-z0-9_-]+)/version")
ROLES = ("deploy", "cfn-exec", "file-publishing", "image-publishing", "lookup")
TRUSTING = ("deploy", "file-publishing", "image-publishing")
"""The roles that a pipeline in another account assumes."""
RECENT = 21
"""Up to version 20 the publishing role writes into whoever's bucket has the expected name; AWS asks to renew those."""
DELIVERY = ("AWS::CodePipeline::Pipeline", "AWS::CodeBuild::Project")


@dataclass(frozen=True)
class Needed:
    region: str
    qualifier: str
    parameter: str
    version: int


@check("bootstrap", title="Each region is bootstrapped, recently enough", constraints=(140,))
def bootstrap(account: Account, assembly: Assembly) -> Iterator[Answer]:
    def one(needed: Needed) -> Iterator[Answer]:
        number = account.number(needed.region)
        remedy = f"npx cdk bootstrap aws://{number}/{needed.region}" + _qualified(needed.qualifier)
        found = account.ask(
            "ssm", "GetParameter", region=needed.region, absent=("ParameterNotFound",), Name=needed.parameter
        )
        if found is None:
            yield failed(needed.region, f"no parameter {needed.parameter}: not bootstrapped", remedy=remedy)
            return
        value = str(found.get("Parameter", {}).get("Value", ""))
        version = int(value) if value.isdecimal() else 0
        if version < needed.version:
            yield failed(needed.region, f"version {value}; the stacks need {needed.version}", remedy=remedy)
            return
        if version < RECENT:
            yield failed(
                needed.region,
                f"version {value}; the stacks need {needed.version}, but before {RECENT} assets can be lured into "
                "another account's bucket",
                remedy=remedy,
            )
        else:
            yield passed(needed.region, f"version {value}; the stacks need {needed.version}")
        yield from _toolkit(account, needed, remedy)

    yield from account.each(_needs(account, assembly), one, subject=lambda needed: needed.region)


def _toolkit(account: Account, needed: Needed, remedy: str) -> Iterator[Answer]:
    """The bucket and the roles: the parameter outlives them when somebody tidies up by hand."""
    number = account.number(needed.region)
    suffix = f"{number}-{needed.region}"
    bucket = f"cdk-{needed.qualifier}-assets-{suffix}"
    if account.ask("s3", "HeadBucket", region=needed.region, absent=("404",), Bucket=bucket) is None:
        yield failed(needed.region, f"the bucket {bucket} is not there", remedy=remedy + " --force")
    missing = [
        name
        for role in ROLES
        if account.ask(
            "iam",
            "GetRole",
            region=needed.region,
            absent=("NoSuchEntity",),
            RoleName=(name := f"cdk-{needed.qualifier}-{role}-role-{suffix}"),
        )
        is None
    ]
    if missing:
        yield failed(needed.region, f"roles not there: {', '.join(missing)}", remedy=remedy + " --force")
    stack = account.ask(
        "cloudformation", "DescribeStacks", region=needed.region, absent=("ValidationError",), StackName="CDKToolkit"
    )
    for described in (stack or {}).get("Stacks", []):
        status = described.get("StackStatus", "")
        if status in STUCK:
            yield failed(needed.region, f"the stack CDKToolkit is {status}", remedy=STUCK[status])


@check("bootstrap-trust", title="The bootstrapped roles trust the account that deploys", constraints=(140,))
def trust(account: Account, assembly: Assembly) -> Iterator[Answer]:
    """Pipelines in a tooling account assume the roles of the accounts they deploy to."""
    delivering = {stack.account for stack in assembly.stacks if stack.account is not None and stack.of_type(*DELIVERY)}

    def one(needed: Needed) -> Iterator[Answer]:
        number = account.number(needed.region)
        for trusted in sorted(delivering - {number}):
            lacking = []
            for role in TRUSTING:
                name = f"cdk-{needed.qualifier}-{role}-role-{number}-{needed.region}"
                found = account.ask("iam", "GetRole", region=needed.region, absent=("NoSuchEntity",), RoleName=name)
                if found is not None and not _trusts(found["Role"].get("AssumeRolePolicyDocument"), trusted):
                    lacking.append(name)
            if lacking:
                yield failed(
                    needed.region,
                    f"{trusted} may not assume {', '.join(lacking)}",
                    remedy=f"npx cdk bootstrap aws://{number}/{needed.region} --trust {trusted} "
                    "--cloudformation-execution-policies POLICY_ARN" + _qualified(needed.qualifier),
                )
            else:
                yield passed(needed.region, f"trusts {trusted}")

    yield from account.each(_needs(account, assembly), one, subject=lambda needed: needed.region)


def _needs(account: Account, assembly: Assembly) -> list[Needed]:
    """One for each region and qualifier, with the highest version that a stack asks for."""
    versions: dict[tuple[str, str, str], int] = {}
    for stack in account.stacks(assembly):
        parameter = _version_parameter(stack)
        if parameter is not None and (match := VERSION_PARAMETER.fullmatch(parameter)):
            key = (account.region(stack), match["qualifier"], parameter)
            versions[key] = max(versions.get(key, 0), _required_version(stack))
    return [Needed(*key, version=version) for key, version in sorted(versions.items())]


def _version_parameter(stack: Stack) -> str | None:
    declared = stack.template.get("Parameters")
    parameter = declared.get("BootstrapVersion") if isinstance(declared, dict) else None
    default = parameter.get("Default") if isinstance(parameter, dict) else None
    return default if isinstance(default, str) else None


def _required_version(stack: Stack) -> int:
    """The CDK writes a rule into the template that lists the versions that are too old."""
    rule = json.dumps(stack.template.get("Rules", {}).get("CheckBootstrapVersion", {}))
    too_old = [int(version) for version in re.findall(r'"(\d+)"', rule)]
    return max(too_old, default=0) + 1


def _trusts(document: Any, number: str) -> bool:
    """Whether a role's trust policy lets principals of the account assume it."""
    if isinstance(document, str):
        document = json.loads(unquote(document))
    for statement in _listed((document or {}).get("Statement")):
        if statement.get("Effect") != "Allow":
            continue
        principal = statement.get("Principal")
        named = _listed(principal.get("AWS") if isinstance(principal, dict) else principal)
        if any(name == "*" or number in re.split(r"[:/]", str(name)) for name in named):
            return True
    return False


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, (str, dict)) else [value]


def _qualified(qualifier: str) -> str:
    return "" if qualifier == "hnb659fds" else f" --qualifier {qualifier}"
