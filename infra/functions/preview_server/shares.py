"""Custom resources for what previews share beside the database server: rule priorities, Valkey's users, objects."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from .custom_resource import Answer, RefusedError, Request, serve

_PATIENCE = 600
"""Seconds for others to be done with a user group; Lambda's limit is 900."""

_CONFIG = Config(retries={"mode": "adaptive", "total_max_attempts": 10})


def handler(event: dict[str, Any], _context: object) -> None:
    serve(event, act)


def act(request: Request) -> Answer:
    kinds = {
        "Custom::PreviewPriority": _priority,
        "Custom::PreviewValkeyUser": _valkey_user,
        "Custom::PreviewObjects": _objects,
    }
    if request.is_base or request.resource_type not in kinds:
        raise RefusedError(f"{request.resource_type} is nothing that {request.owner} can ask for")
    return kinds[request.resource_type](request)


# ---- priorities of listener rules: a parameter is made or is there already, so that two never get the same ----


def _priority(request: Request) -> Answer:
    client, path = boto3.client("ssm", config=_CONFIG), os.environ["PRIORITY_PATH"]
    if request.action == "Delete":
        number = request.physical_id or ""
        if _holder(client, f"{path}/{number}") == request.stack_id:
            client.delete_parameter(Name=f"{path}/{number}")
        return Answer(physical_id=number)
    if request.physical_id and _holder(client, f"{path}/{request.physical_id}") == request.stack_id:
        return Answer(physical_id=request.physical_id, data={"Priority": request.physical_id})
    for number in map(str, range(1, int(os.environ["MOST_PREVIEWS"]) + 1)):
        holder = _holder(client, f"{path}/{number}")
        if holder is None and _take(client, f"{path}/{number}", request.stack_id):
            holder = request.stack_id
        if holder == request.stack_id:
            return Answer(physical_id=number, data={"Priority": number})
    raise RefusedError(
        f"there are {os.environ['MOST_PREVIEWS']} previews already, and no more may be: delete one, or raise "
        "previews.most in the environment's configuration"
    )


def _take(client: Any, name: str, stack_id: str) -> bool:
    """Whether it was free until now: of several who ask at once one makes the parameter."""
    try:
        client.put_parameter(Name=name, Value=stack_id, Type="String", Overwrite=False)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ParameterAlreadyExists", "TooManyUpdates"):
            return False
        raise
    return True


def _holder(client: Any, name: str) -> str | None:
    try:
        return str(client.get_parameter(Name=name)["Parameter"]["Value"])
    except client.exceptions.ParameterNotFound:
        return None


# ---- Valkey's user groups: one request at a time, and previews come and go together ----


def _valkey_user(request: Request) -> Answer:
    user = f"preview-{request.owner}"
    for group in os.environ["USER_GROUPS"].split(","):
        _change_group(group, user, wanted=request.action != "Delete")
    return Answer(physical_id=user)


def _change_group(group: str, user: str, *, wanted: bool) -> None:
    client = boto3.client("elasticache", config=_CONFIG)
    deadline = time.monotonic() + _PATIENCE
    while True:
        found = client.describe_user_groups(UserGroupId=group)["UserGroups"][0]
        if found["Status"] == "active":
            if (user in found["UserIds"]) == wanted:
                return
            change: dict[str, Any] = {"UserIdsToAdd": [user]} if wanted else {"UserIdsToRemove": [user]}
            try:
                client.modify_user_group(UserGroupId=group, **change)
            except ClientError as error:
                # Another preview's change is under way, or was made since we looked.
                if error.response["Error"]["Code"] not in ("InvalidUserGroupState", "DuplicateUserName"):
                    raise
        if time.monotonic() > deadline:
            raise RefusedError(f"user group {group} is {found['Status']} for {_PATIENCE} s: {user} was not changed")
        time.sleep(0.2 if found["Status"] == "active" else 2)


# ---- objects: the template's pictures to begin with, nothing left in the end ----


def _objects(request: Request) -> Answer:
    own = f"previews/{request.owner}/"
    client, bucket = boto3.client("s3", config=_CONFIG), os.environ["BUCKET"]
    if request.action == "Delete":
        for keys in _keys(client, bucket, own):
            client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True})
        return Answer(physical_id=own)
    source = os.environ["TEMPLATE_OBJECTS"]

    def copy(key: str) -> None:
        client.copy_object(Bucket=bucket, Key=own + key.removeprefix(source), CopySource={"Bucket": bucket, "Key": key})

    with ThreadPoolExecutor(8) as pool:
        for keys in _keys(client, bucket, source):
            list(pool.map(copy, keys))
    return Answer(physical_id=own)


def _keys(client: Any, bucket: str, prefix: str) -> Any:
    """Pages of keys."""
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        keys = [each["Key"] for each in page.get("Contents", [])]
        if keys:
            yield keys
