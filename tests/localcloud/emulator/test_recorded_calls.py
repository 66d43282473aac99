"""What roles do here is noted, what they may not is refused, and a role is given to a service only by who may."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.access import ATTEMPTS

from .support import Emulator

_ACCOUNT = "000000000000"
Session = Callable[..., Callable[[str], Any]]


@pytest.fixture
def role() -> str:
    return f"Stack-Role-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def session(emulator: Emulator, role: str) -> Iterator[Session]:
    """Makes the role with these statements and gives clients of a session of it."""
    iam = emulator.client("iam")

    def make(*statements: dict[str, Any], name: str = "task") -> Callable[[str], Any]:
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{_ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]["Arn"]
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=json.dumps(policy))
        keys = emulator.client("sts").assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"]
        return lambda service: emulator.client(
            service,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    yield make
    iam.delete_role_policy(RoleName=role, PolicyName="own")
    iam.delete_role(RoleName=role)


@pytest.fixture
def bucket(emulator: Emulator) -> str:
    name = f"noted-{uuid.uuid4().hex[:8]}"
    emulator.client("s3").create_bucket(Bucket=name)
    return name


def _allow(action: str, resource: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def _noted(emulator: Emulator, role: str) -> list[tuple[str, str, bool]]:
    lines = (emulator.home / "emulator" / "calls.jsonl").read_text().splitlines()
    calls = [json.loads(line) for line in lines]
    return [(one["action"], one["resource"], one["allowed"]) for one in calls if one["role"] == role]


def test_each_kind_of_call_is_noted_once(emulator: Emulator, session: Session, role: str, bucket: str) -> None:
    s3 = session(_allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"))("s3")
    for name in ("receipts/1/a", "receipts/2/b", "other"):
        s3.put_object(Bucket=bucket, Key=name, Body=b"")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key="receipts/1/a")
    assert _noted(emulator, role) == [
        ("s3:PutObject", f"arn:aws:s3:::{bucket}/receipts/*", True),
        ("s3:PutObject", f"arn:aws:s3:::{bucket}/*", True),
        ("s3:DeleteObject", f"arn:aws:s3:::{bucket}/receipts/*", False),
    ]


def test_keys_behind_objects_are_noted(emulator: Emulator, session: Session, role: str, bucket: str) -> None:
    key = emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    emulator.client("s3").put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3 = session(_allow("s3:PutObject", "*"), _allow("kms:GenerateDataKey", key))("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=b"")
    assert [(action, allowed) for action, _, allowed in _noted(emulator, role)] == [
        ("s3:PutObject", True),
        ("kms:GenerateDataKey", True),
    ]


def test_attempts_are_not_noted(emulator: Emulator, session: Session, role: str) -> None:
    with pytest.raises(ClientError):
        session(_allow("s3:GetObject", "*"), name=ATTEMPTS)("s3").list_buckets()
    assert _noted(emulator, role) == []


@pytest.fixture
def passed(emulator: Emulator) -> Iterator[str]:
    """The ARN of a role for tasks."""
    iam = emulator.client("iam")
    name = f"Passed-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    yield iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]["Arn"]
    iam.delete_role(RoleName=name)


@pytest.fixture
def definition(emulator: Emulator, passed: str) -> str:
    """A task definition with that role, in an account that has a cluster called `passing`."""
    ecs = emulator.client("ecs")
    ecs.create_cluster(clusterName="passing")
    made = ecs.register_task_definition(
        family=f"f{uuid.uuid4().hex[:8]}",
        taskRoleArn=passed,
        containerDefinitions=[{"name": "a", "image": "a", "memory": 128}],
    )
    return str(made["taskDefinition"]["taskDefinitionArn"])


def test_a_task_is_started_only_by_who_may_pass_its_role(
    emulator: Emulator, session: Session, role: str, passed: str, definition: str
) -> None:
    ecs = session(_allow("ecs:RunTask", "*"))("ecs")
    with pytest.raises(ClientError, match=f"iam:PassRole on resource: {passed}"):
        ecs.run_task(cluster="passing", taskDefinition=definition)
    assert ("iam:PassRole", passed, False) in _noted(emulator, role)


def test_a_role_may_be_passed_to_one_service_alone(session: Session, passed: str, definition: str) -> None:
    to = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    passing = _allow("iam:PassRole", passed, Condition=to)
    made = session(_allow("ecs:RunTask", "*"), _allow("lambda:CreateFunction", "*"), passing)
    assert made("ecs").run_task(cluster="passing", taskDefinition=definition)["failures"] == []
    with pytest.raises(ClientError, match="iam:PassRole"):
        made("lambda").create_function(
            FunctionName="never", Role=passed, Code={"ZipFile": b"x"}, Runtime="python3.13", Handler="a.b"
        )
