"""Leftovers among AWS's own resources. What carries the tag `Preview` belongs to the preview that it names; what can
carry none, to the one that it is named after."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from .leftover import Kind, unless_gone
from .settings import Settings, client

TAG = "Preview"
_ROLE_PREFIX = 24
"""Characters of a stack's name that CloudFormation leaves in the name of a role, which may have 64."""


def _tag(tags: Iterable[Mapping[str, str]]) -> str:
    """Its preview; empty where it is none's. ECS writes its keys small."""
    return next(
        (each.get("Value", each.get("value", "")) for each in tags if each.get("Key", each.get("key")) == TAG), ""
    )


def _batches(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


# ---- ECS ----


def _services(settings: Settings) -> Iterator[tuple[str, str]]:
    ecs = client("ecs")
    pages = ecs.get_paginator("list_services").paginate(cluster=settings.cluster)
    arns = [arn for page in pages for arn in page["serviceArns"]]
    for some in _batches(arns, 10):
        found = ecs.describe_services(cluster=settings.cluster, services=some, include=["TAGS"])["services"]
        for service in found:
            if service["status"] == "ACTIVE":
                yield _tag(service.get("tags", [])), service["serviceArn"]


def _delete_service(settings: Settings, arn: str) -> None:
    ecs = client("ecs")
    unless_gone(
        lambda: ecs.delete_service(cluster=settings.cluster, service=arn, force=True),
        "ServiceNotFoundException",
        "ServiceNotActiveException",
    )


# ---- load balancer: a rule is found by the target group that it leads to, which cannot go before it ----


def _target_groups(_settings: Settings) -> Iterator[tuple[str, str]]:
    elbv2 = client("elbv2")
    pages = elbv2.get_paginator("describe_target_groups").paginate()
    arns = [group["TargetGroupArn"] for page in pages for group in page["TargetGroups"]]
    for some in _batches(arns, 20):
        for described in _described(elbv2, some):
            yield _tag(described["Tags"]), described["ResourceArn"]


def _described(elbv2: Any, arns: list[str]) -> list[Any]:
    """With their tags. One that went meanwhile fails the call about all of them: then each is asked for alone."""
    try:
        found: list[Any] = elbv2.describe_tags(ResourceArns=arns)["TagDescriptions"]
    except elbv2.exceptions.TargetGroupNotFoundException:
        if len(arns) == 1:
            return []
        return [one for arn in arns for one in _described(elbv2, [arn])]
    return found


def _delete_target_group(settings: Settings, arn: str) -> None:
    elbv2 = client("elbv2")
    for page in elbv2.get_paginator("describe_rules").paginate(ListenerArn=settings.listener):
        for rule in page["Rules"]:
            if any(arn in _leads_to(action) for action in rule["Actions"]):
                unless_gone(partial(elbv2.delete_rule, RuleArn=rule["RuleArn"]), "RuleNotFound")
    unless_gone(lambda: elbv2.delete_target_group(TargetGroupArn=arn), "TargetGroupNotFound")


def _leads_to(action: Mapping[str, Any]) -> set[str]:
    groups = action.get("ForwardConfig", {}).get("TargetGroups", [])
    return {action.get("TargetGroupArn", ""), *(each["TargetGroupArn"] for each in groups)}


# ---- secrets, logs, parameters, roles and their policies ----


def _secrets(_settings: Settings) -> Iterator[tuple[str, str]]:
    pages = client("secretsmanager").get_paginator("list_secrets")
    for page in pages.paginate(Filters=[{"Key": "tag-key", "Values": [TAG]}]):
        for secret in page["SecretList"]:
            if not secret.get("DeletedDate"):
                yield _tag(secret.get("Tags", [])), secret["ARN"]


def _delete_secret(_settings: Settings, arn: str) -> None:
    secrets = client("secretsmanager")
    unless_gone(
        lambda: secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True), "ResourceNotFoundException"
    )


def _log_groups(settings: Settings) -> Iterator[tuple[str, str]]:
    logs = client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            if settings.stack_prefix not in group["logGroupName"]:
                continue
            arn = group["arn"].removesuffix(":*")
            try:
                tags = logs.list_tags_for_resource(resourceArn=arn)["tags"]
            except logs.exceptions.ResourceNotFoundException:
                continue
            yield tags.get(TAG, ""), group["logGroupName"]


def _delete_log_group(_settings: Settings, name: str) -> None:
    logs = client("logs")
    unless_gone(lambda: logs.delete_log_group(logGroupName=name), "ResourceNotFoundException")


def _parameters(settings: Settings) -> Iterator[tuple[str, str]]:
    """The priorities of rules: each holds the id of its stack."""
    pages = client("ssm").get_paginator("get_parameters_by_path")
    for page in pages.paginate(Path=settings.priorities):
        for each in page["Parameters"]:
            stack = each["Value"].split("/")[1] if "/" in each["Value"] else ""
            if stack.startswith(settings.stack_prefix):
                yield stack.removeprefix(settings.stack_prefix), each["Name"]


def _delete_parameter(_settings: Settings, name: str) -> None:
    ssm = client("ssm")
    unless_gone(lambda: ssm.delete_parameter(Name=name), "ParameterNotFound")


def _roles(settings: Settings) -> Iterator[tuple[str, str]]:
    iam = client("iam")
    prefix = settings.stack_prefix[:_ROLE_PREFIX]
    for page in iam.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            if not role["RoleName"].startswith(prefix):
                continue
            try:
                tags = iam.list_role_tags(RoleName=role["RoleName"])["Tags"]
            except iam.exceptions.NoSuchEntityException:
                continue
            yield _tag(tags), role["RoleName"]


def _delete_role(_settings: Settings, name: str) -> None:
    """Without any policy; a role cannot go before they do."""
    iam = client("iam")
    try:
        for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        for inline in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=inline)
        iam.delete_role(RoleName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise


def _policies(settings: Settings) -> Iterator[tuple[str, str]]:
    """They have no tags: the name that CloudFormation makes is the stack's, with a logical id behind, in capitals."""
    named = re.compile(rf"{re.escape(settings.stack_prefix)}([a-z](?:-?[a-z0-9])*)-[A-Z]")
    for page in client("iam").get_paginator("list_policies").paginate(Scope="Local"):
        for policy in page["Policies"]:
            if found := named.match(policy["PolicyName"]):
                yield found[1], policy["Arn"]


def _delete_policy(_settings: Settings, arn: str) -> None:
    """With the versions that updates left behind; a policy cannot go before them."""
    iam = client("iam")
    try:
        for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
        iam.delete_policy(PolicyArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise


SERVICES = Kind(name="ECS service", find=_services, delete=_delete_service)
TARGET_GROUPS = Kind(name="target group with its rules", find=_target_groups, delete=_delete_target_group)
SECRETS = Kind(name="secret", find=_secrets, delete=_delete_secret)
LOG_GROUPS = Kind(name="log group", find=_log_groups, delete=_delete_log_group)
PARAMETERS = Kind(name="parameter", find=_parameters, delete=_delete_parameter)
ROLES = Kind(name="role", find=_roles, delete=_delete_role)
POLICIES = Kind(name="policy", find=_policies, delete=_delete_policy)
