"""The stacks as they are deployed, read by the CloudFormation API; nothing is written.

Works against AWS and against the local cloud alike: the credentials and endpoints are those of the environment.
"""

from __future__ import annotations

import json
import os
from typing import Any

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from plan.errors import PlanError
from plan.resources import prefix_of
from preflight.assembly import Assembly, Stack
from preflight.loading import LoadError, TemplateLoader, single

_HINT = (
    'give it credentials (aws login, AWS_PROFILE=…), point it at the local cloud with eval "$(make -s env)", '
    "or compare with a revision: make plan ENV=… AGAINST_GIT=main"
)
_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=30)


def deployed(after: Assembly) -> Assembly:
    """What is deployed under the names of an assembly's stacks, and stacks beside them that share their prefix.

    Raises PlanError without credentials, with those of another account, and where a call is refused.
    """
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    assembly = Assembly()
    try:
        _check_account(after)
        for stack in after.stacks:
            if stack.parent is None and (found := _read(stack.name, stack, assembly)):
                assembly.stacks.append(found)
        for name, like in _beside(after):
            if found := _read(name, like, assembly):
                assembly.stacks.append(found)
    except ClientError as error:
        raise PlanError(f"the deployed stacks cannot be read: {error}") from None
    except BotoCoreError as error:
        raise PlanError(f"the deployed stacks cannot be read: {error}; {_HINT}") from None
    return assembly


def _check_account(after: Assembly) -> None:
    wanted = {stack.account for stack in after.stacks if stack.account}
    region = next((stack.region for stack in after.stacks if stack.region), "us-east-1")
    found = boto3.client("sts", region_name=region, config=_CONFIG).get_caller_identity()["Account"]
    if wanted and found not in wanted:
        raise PlanError(f"the credentials are of account {found}, the stacks go to {', '.join(sorted(wanted))}")


def _beside(after: Assembly) -> list[tuple[str, Stack]]:
    """Stacks with the prefix of ours that the assembly does not have, with one of ours in the same region."""
    prefix = prefix_of([after])
    regions = {stack.region: stack for stack in after.stacks if stack.parent is None}
    known = {(stack.name, stack.region) for stack in after.stacks}
    if not prefix:
        return []
    return [
        (summary["StackName"], like)
        for region, like in regions.items()
        for page in boto3.client("cloudformation", region_name=region, config=_CONFIG)
        .get_paginator("list_stacks")
        .paginate()
        for summary in page["StackSummaries"]
        if summary["StackName"].startswith(prefix)
        and summary["StackStatus"] != "DELETE_COMPLETE"
        and "ParentId" not in summary
        and (summary["StackName"], region) not in known
    ]


def _read(name: str, like: Stack, assembly: Assembly) -> Stack | None:
    """One stack; None where there is none of this name, or only the remains of a failed creation."""
    client = boto3.client("cloudformation", region_name=like.region, config=_CONFIG)
    try:
        described = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    if described["StackStatus"] in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE", "ROLLBACK_COMPLETE"):
        return None
    body = client.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    return Stack(
        name,
        _parsed(body, name),
        assembly,
        file=f"the deployed stack {name}",
        region=like.region,
        account=like.account,
        termination_protection=described.get("EnableTerminationProtection"),
        depends_on=like.depends_on,
        parameter_values={
            one["ParameterKey"]: one["ParameterValue"]
            for one in described.get("Parameters", [])
            if "ParameterValue" in one
        },
    )


def _parsed(body: Any, name: str) -> dict[str, Any]:
    """A template as GetTemplate answers it: a mapping for JSON, a text for YAML."""
    try:
        if isinstance(body, str):
            body = yaml.load(body, Loader=TemplateLoader)  # noqa: S506  (a safe loader)
        plain: Any = json.loads(json.dumps(body, default=str))
        single(plain, name=name)
    except (yaml.YAMLError, LoadError, ValueError, RecursionError) as error:
        raise PlanError(f"the deployed stack {name} has a template that cannot be read: {error}") from None
    result: dict[str, Any] = plain
    return result
