"""The IAM User Guide's examples, with real requests of a role: the local cloud decides as AWS says it does."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.audit.access.documented import EXAMPLES, Example

from .support import Emulator

_ACCOUNT = "000000000000"
_DENIED = {"AccessDenied", "403"}


@pytest.fixture
def names(emulator: Emulator) -> Iterator[dict[str, str]]:
    mark = uuid.uuid4().hex[:8]
    role = f"example-{mark}"
    found = {
        "own": f"own-{mark}",
        "logs": f"our-logs-{mark}",
        "account": _ACCOUNT,
        "role": f"arn:aws:iam::{_ACCOUNT}:role/{role}",
    }
    s3 = emulator.client("s3")
    for bucket in (found["own"], found["logs"]):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="a", Body=b"")
    yield found
    for bucket in (found["own"], found["logs"]):
        s3.delete_bucket_policy(Bucket=bucket)
        s3.delete_object(Bucket=bucket, Key="a")
        s3.delete_bucket(Bucket=bucket)


def _document(statements: Any, names: dict[str, str]) -> str:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _session(emulator: Emulator, example: Example, names: dict[str, str]) -> Callable[[str], Any]:
    iam = emulator.client("iam")
    name = names["role"].rpartition("/")[2]
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{_ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    limit = {}
    if example.boundary is not None:
        policy = iam.create_policy(PolicyName=name, PolicyDocument=_document(example.boundary, names))["Policy"]
        limit = {"PermissionsBoundary": policy["Arn"]}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document([trust], names), **limit)
    if example.identity:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=_document(example.identity, names))
    keys = emulator.client("sts").assume_role(RoleArn=names["role"], RoleSessionName="example")["Credentials"]
    return lambda service: emulator.client(
        service,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def _ask(session: Callable[[str], Any], action: str, on: str) -> None:
    bucket, _, key = on.partition("/")
    service, _, name = action.partition(":")
    arguments = {} if service == "iam" else {"Bucket": bucket, **({"Key": key} if key else {})}
    calls = {
        "ListUsers": "list_users",
        "ListBucket": "list_objects_v2",
        "GetObject": "get_object",
        "PutObject": "put_object",
        "DeleteObject": "delete_object",
    }
    getattr(session(service), calls[name])(**arguments)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.name.replace(" ", "-"))
def test_the_examples_of_the_user_guide(emulator: Emulator, names: dict[str, str], example: Example) -> None:
    session = _session(emulator, example, names)
    for bucket, statements in (example.bucket_policies or {}).items():
        emulator.client("s3").put_bucket_policy(Bucket=bucket.format(**names), Policy=_document(statements, names))
    for request in example.requests:
        on = request.on.format(**names)
        try:
            _ask(session, request.action, on)
            allowed = True
        except ClientError as error:
            assert error.response["Error"]["Code"] in _DENIED, error
            allowed = False
        assert allowed is request.allowed, f"{request.action} on {request.on}: {example.source}"
