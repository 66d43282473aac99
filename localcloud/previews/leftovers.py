"""Whatever there is of a preview, wherever previews have something: to be sure that nothing is left.

Each place is asked itself, and not what CloudFormation remembers of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from botocore.exceptions import ClientError

from localcloud import aws, layout
from localcloud.dataplane.elasticache import server as valkey_servers
from localcloud.dataplane.postgres import roles
from previews.names import PreviewName

_REGION = "us-east-1"


def folder(preview: PreviewName) -> Path:
    """What this machine keeps of it between two pushes."""
    return layout.home() / "previews" / preview.name


def of(preview: PreviewName) -> list[str]:
    """What there is, a line each."""
    return [
        *_stacks(preview),
        *_tagged(preview),
        *_rules(preview),
        *_databases(preview),
        *_keys(preview),
        *_objects(preview),
        *(f"process {process.pid}" for process in processes(preview)),
        *_assemblies(preview),
    ]


def _all(service: str, operation: str, key: str, **arguments: Any) -> list[Any]:
    client = aws.client(service, _REGION)
    if not client.can_paginate(operation):
        return list(getattr(client, operation)(**arguments)[key])
    return [item for page in client.get_paginator(operation).paginate(**arguments) for item in page[key]]


def _unless_gone(service: str, operation: str, **arguments: Any) -> dict[str, Any]:
    """The answer about one thing of a list; empty when it went meanwhile, as other previews' things do."""
    try:
        answer: dict[str, Any] = getattr(aws.client(service, _REGION), operation)(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("TargetGroupNotFound", "ParameterNotFound"):
            raise
        return {}
    return answer


def _stacks(preview: PreviewName) -> Iterator[str]:
    for stack in _all("cloudformation", "describe_stacks", "Stacks"):
        if stack["StackName"].endswith(f"-{preview.stack}") and stack["StackStatus"] != "DELETE_COMPLETE":
            yield f"stack {stack['StackName']}: {stack['StackStatus']}"


def _tagged(preview: PreviewName) -> Iterator[str]:
    """By the tags that CloudFormation gives to everything that it makes."""
    for secret in _all("secretsmanager", "list_secrets", "SecretList"):
        if _tags(secret.get("Tags", [])).get("Preview") == preview.name:
            yield f"secret {secret['Name']}"
    for role in _all("iam", "list_roles", "Roles"):
        if _is_of(role["RoleName"], preview):
            yield f"role {role['RoleName']}"
    for policy in _all("iam", "list_policies", "Policies", Scope="Local"):
        if _is_of(policy["PolicyName"], preview):
            yield f"policy {policy['PolicyName']}"
    for group in _all("logs", "describe_log_groups", "logGroups"):
        if f"-{preview.stack}/" in group["logGroupName"]:
            yield f"log group {group['logGroupName']}"
    for user in _all("elasticache", "describe_users", "Users"):
        if user["UserId"] == preview.environment:
            yield f"Valkey user {user['UserId']}"
    for users in _all("elasticache", "describe_user_groups", "UserGroups"):
        if preview.environment in users["UserIds"]:
            yield f"member {preview.environment} of the user group {users['UserGroupId']}"
    for cluster in aws.client("ecs", _REGION).list_clusters()["clusterArns"]:
        for service in _all("ecs", "list_services", "serviceArns", cluster=cluster):
            if _is_of(service.rsplit("/", 1)[-1], preview):
                yield f"service {service}"
    for definition in _all("ecs", "list_task_definitions", "taskDefinitionArns", status="ACTIVE"):
        if re.search(rf"/spendsmart-[a-z0-9]+-{preview.environment}-(web|worker|migration):", definition):
            yield f"task definition {definition}"


def _is_of(name: str, preview: PreviewName) -> bool:
    """Names that CloudFormation makes begin with the stack's, and a logical id follows, in capitals."""
    return re.search(rf"-{re.escape(preview.stack)}-[A-Z]", name) is not None


def _rules(preview: PreviewName) -> Iterator[str]:
    for group in _all("elbv2", "describe_target_groups", "TargetGroups"):
        described = _unless_gone("elbv2", "describe_tags", ResourceArns=[group["TargetGroupArn"]])
        if any(_tags(each["Tags"]).get("Preview") == preview.name for each in described.get("TagDescriptions", [])):
            yield f"target group {group['TargetGroupName']}"
    for balancer in _all("elbv2", "describe_load_balancers", "LoadBalancers"):
        for listener in _all("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=balancer["LoadBalancerArn"]):
            for rule in _all("elbv2", "describe_rules", "Rules", ListenerArn=listener["ListenerArn"]):
                if any(_leads_to(condition, preview) for condition in rule["Conditions"]):
                    yield f"rule with priority {rule['Priority']}"
    for parameter in _all("ssm", "describe_parameters", "Parameters"):
        if "/preview-priorities/" in parameter["Name"]:
            held = _unless_gone("ssm", "get_parameter", Name=parameter["Name"])
            if f"-{preview.stack}/" in held.get("Parameter", {}).get("Value", ""):
                yield f"priority {parameter['Name']}"


def _leads_to(condition: dict[str, Any], preview: PreviewName) -> bool:
    hosts = condition.get("HostHeaderConfig", {}).get("Values", [])
    named = condition.get("HttpHeaderConfig", {}).get("Values", [])
    return any(host.split(".")[0] == preview.name for host in hosts) or preview.name in named


def _databases(preview: PreviewName) -> Iterator[str]:
    for instance in _all("rds", "describe_db_instances", "DBInstances"):
        port = int(instance["Endpoint"]["Port"])
        with roles.connection(port) as cursor:
            cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = %s", (preview.identifier,))
            yield from (f"database role {name}" for (name,) in cursor.fetchall())
            cursor.execute(
                "SELECT datname FROM pg_database WHERE datname ~ %s", (f"^{preview.identifier}_[0-9a-f]{{8}}(_new)?$",)
            )
            yield from (f"database {name}" for (name,) in cursor.fetchall())


def _keys(preview: PreviewName) -> Iterator[str]:
    for group in _all("elasticache", "describe_replication_groups", "ReplicationGroups"):
        name = group["ReplicationGroupId"]
        with valkey_servers.administrator(name) as server:
            count = sum(1 for _ in server.scan_iter(match=f"{preview.key_prefix}*", count=1000))
            if count:
                yield f"{count} keys in {name}"
            if preview.environment in server.acl_users():
                yield f"ACL user {preview.environment} of {name}"


def _objects(preview: PreviewName) -> Iterator[str]:
    client = aws.client("s3", _REGION)
    for bucket in client.list_buckets()["Buckets"]:
        found = client.list_object_versions(Bucket=bucket["Name"], Prefix=preview.object_prefix)
        versions = len(found.get("Versions", [])) + len(found.get("DeleteMarkers", []))
        if versions:
            yield f"{versions} versions of objects in {bucket['Name']}"


def processes(preview: PreviewName) -> Iterator[psutil.Process]:
    """Those of its tasks."""
    for process in psutil.process_iter():
        try:
            variables = process.environ()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        # The pooler knows the role that it logs in as, and nothing else of the preview.
        named = variables.get("SPENDSMART_ENVIRONMENT"), variables.get("DATABASE_USERNAME")
        ours = variables.get(layout.MARKER) == str(layout.home())
        if ours and (named[0] == preview.environment or named[1] == preview.identifier):
            yield process


def _assemblies(preview: PreviewName) -> Iterator[str]:
    if folder(preview).exists():
        yield f"folder {folder(preview)}"


def _tags(listed: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in listed}
