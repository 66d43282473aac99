"""Rights that MiniStack alone does not look at."""

from __future__ import annotations

import json
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from .support import Deploy, Emulator

_ACCOUNT = "000000000000"
ClientOf = Callable[[str], Any]
RoleWith = Callable[[list[dict[str, Any]]], ClientOf]


@pytest.fixture
def role_with(emulator: Emulator) -> Iterator[RoleWith]:
    """Makes a role with these statements and gives clients of a session of it."""
    iam = emulator.client("iam")
    made: list[str] = []

    def make(statements: list[dict[str, Any]]) -> ClientOf:
        name = f"role-{uuid.uuid4().hex[:8]}"
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{_ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        document = {"Version": "2012-10-17", "Statement": [trust]}
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]
        made.append(name)
        iam.put_role_policy(
            RoleName=name,
            PolicyName="own",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
        )
        keys = emulator.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]

        def client(service: str) -> Any:
            return emulator.client(service, **_as_arguments(keys))

        return client

    yield make
    for name in made:
        iam.delete_role_policy(RoleName=name, PolicyName="own")
        iam.delete_role(RoleName=name)


def _as_arguments(keys: dict[str, str]) -> dict[str, str]:
    return {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }


def _allow(*actions: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


@pytest.fixture
def key(emulator: Emulator) -> str:
    arn: str = emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
    return arn


@pytest.fixture
def bucket(emulator: Emulator, key: str) -> str:
    s3 = emulator.client("s3")
    name = f"sealed-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=name)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.put_object(Bucket=name, Key="a", Body=b"sealed")
    return name


def test_reading_an_encrypted_object_needs_its_key(role_with: RoleWith, bucket: str, key: str) -> None:
    reading = _allow("s3:GetObject", resource=f"arn:aws:s3:::{bucket}/*")
    with pytest.raises(ClientError, match="kms:Decrypt"):
        role_with([reading])("s3").get_object(Bucket=bucket, Key="a")
    allowed = role_with([reading, _allow("kms:Decrypt", resource=key)])("s3")
    assert allowed.get_object(Bucket=bucket, Key="a")["Body"].read() == b"sealed"


def test_writing_an_encrypted_object_needs_its_key(role_with: RoleWith, bucket: str, key: str) -> None:
    writing = _allow("s3:PutObject", resource=f"arn:aws:s3:::{bucket}/*")
    with pytest.raises(ClientError, match="kms:GenerateDataKey"):
        role_with([writing])("s3").put_object(Bucket=bucket, Key="b", Body=b"")
    role_with([writing, _allow("kms:GenerateDataKey", resource=key)])("s3").put_object(Bucket=bucket, Key="b", Body=b"")


def test_an_upload_that_names_a_key_needs_that_key(emulator: Emulator, role_with: RoleWith, key: str) -> None:
    name = f"plain-{uuid.uuid4().hex[:8]}"
    emulator.client("s3").create_bucket(Bucket=name)
    upload = {"Bucket": name, "Key": "a", "Body": b"", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    writing = _allow("s3:PutObject", resource=f"arn:aws:s3:::{name}/*")
    with pytest.raises(ClientError, match="kms:GenerateDataKey"):
        role_with([writing])("s3").put_object(**upload)
    role_with([writing, _allow("kms:GenerateDataKey", resource=key)])("s3").put_object(**upload)


def test_a_form_upload_needs_the_key_of_its_signer(role_with: RoleWith, bucket: str, key: str) -> None:
    writing = _allow("s3:PutObject", resource=f"arn:aws:s3:::{bucket}/*")

    def upload(s3: Any) -> int:
        form = s3.generate_presigned_post(bucket, "c", ExpiresIn=60)
        manager = urllib3.PoolManager(ca_certs=s3._endpoint.http_session._verify)
        return manager.request("POST", form["url"], fields={**form["fields"], "file": ("c", b"x")}).status

    assert upload(role_with([writing])("s3")) == 403
    assert upload(role_with([writing, _allow("kms:GenerateDataKey", resource=key)])("s3")) == 204


def test_a_plain_object_needs_no_key(emulator: Emulator, role_with: RoleWith) -> None:
    name = f"plain-{uuid.uuid4().hex[:8]}"
    emulator.client("s3").create_bucket(Bucket=name)
    role_with([_allow("s3:PutObject", "s3:GetObject")])("s3").put_object(Bucket=name, Key="a", Body=b"")


def test_a_secret_under_a_key_needs_the_key(emulator: Emulator, role_with: RoleWith, key: str) -> None:
    secret = emulator.client("secretsmanager").create_secret(
        Name=f"s-{uuid.uuid4().hex[:8]}", KmsKeyId=key, SecretString="x"
    )["ARN"]
    reading = _allow("secretsmanager:GetSecretValue", resource=secret)
    with pytest.raises(ClientError, match="kms:Decrypt"):
        role_with([reading])("secretsmanager").get_secret_value(SecretId=secret)
    through = {"StringEquals": {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}}
    allowed = role_with([reading, _allow("kms:Decrypt", resource=key, Condition=through)])
    assert allowed("secretsmanager").get_secret_value(SecretId=secret)["SecretString"] == "x"
    elsewhere = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    with pytest.raises(ClientError, match="kms:Decrypt"):
        role_with([reading, _allow("kms:Decrypt", resource=key, Condition=elsewhere)])(
            "secretsmanager"
        ).get_secret_value(SecretId=secret)


def test_metrics_by_namespace(role_with: RoleWith) -> None:
    only = {"StringEquals": {"cloudwatch:namespace": "SpendSmart"}}
    watch = role_with([_allow("cloudwatch:PutMetricData", Condition=only)])("cloudwatch")
    watch.put_metric_data(Namespace="SpendSmart", MetricData=[{"MetricName": "a", "Value": 1}])
    with pytest.raises(ClientError, match="PutMetricData"):
        watch.put_metric_data(Namespace="Other", MetricData=[{"MetricName": "a", "Value": 1}])


def test_repositories_by_name(emulator: Emulator, role_with: RoleWith) -> None:
    emulator.client("ecr").create_repository(repositoryName="assets")
    ecr = role_with(
        [_allow("ecr:DescribeRepositories", resource=f"arn:aws:ecr:us-east-1:{_ACCOUNT}:repository/assets")]
    )("ecr")
    assert ecr.describe_repositories(repositoryNames=["assets"])["repositories"][0]["repositoryName"] == "assets"
    with pytest.raises(ClientError, match="DescribeRepositories"):
        ecr.describe_repositories()


@pytest.fixture
def valkey_users(emulator: Emulator) -> Iterator[str]:
    """A user group `ours` and users, `preview-one` and `else` among them; the beginning of their ARNs."""
    elasticache = emulator.client("elasticache")
    for user in ("owner", "preview-one", "else"):
        elasticache.create_user(
            UserId=user,
            UserName="default" if user == "owner" else user,
            Engine="valkey",
            AccessString="on ~* +@all",
            Passwords=["a-password-that-is-long-enough"],
        )
    elasticache.create_user_group(UserGroupId="ours", Engine="valkey", UserIds=["owner"])
    yield f"arn:aws:elasticache:us-east-1:{_ACCOUNT}"
    elasticache.delete_user_group(UserGroupId="ours")
    for user in (each["UserId"] for each in elasticache.describe_users()["Users"]):
        if user in ("owner", "preview-one", "else"):
            elasticache.delete_user(UserId=user)


def test_valkey_users_by_name(role_with: RoleWith, valkey_users: str) -> None:
    own = f"{valkey_users}:user:preview-*"
    elasticache = role_with([_allow("elasticache:DeleteUser", "elasticache:DescribeUsers", resource=own)])(
        "elasticache"
    )
    assert elasticache.describe_users(UserId="preview-one")["Users"][0]["UserId"] == "preview-one"
    elasticache.delete_user(UserId="preview-one")
    for refused in (lambda: elasticache.delete_user(UserId="else"), elasticache.describe_users):
        with pytest.raises(ClientError, match="not authorized to perform: elasticache:De"):
            refused()


def test_a_change_of_a_user_group_needs_its_users_too(role_with: RoleWith, valkey_users: str) -> None:
    group, users = f"{valkey_users}:usergroup:ours", f"{valkey_users}:user:preview-*"
    change = {"UserGroupId": "ours", "UserIdsToAdd": ["preview-one"]}
    with pytest.raises(ClientError, match="elasticache:ModifyUserGroup"):
        role_with([_allow("elasticache:ModifyUserGroup", resource=group)])("elasticache").modify_user_group(**change)
    both = role_with([_allow("elasticache:ModifyUserGroup", resource=each) for each in (group, users)])("elasticache")
    both.modify_user_group(**change)
    with pytest.raises(ClientError, match="elasticache:ModifyUserGroup"):
        both.modify_user_group(UserGroupId="ours", UserIdsToRemove=["preview-one", "owner"])


def test_parameters_by_the_path_or_the_names_that_are_asked_for(emulator: Emulator, role_with: RoleWith) -> None:
    for name in ("/ours/a", "/theirs/a"):
        emulator.client("ssm").put_parameter(Name=name, Value="x", Type="String")
    ours = f"arn:aws:ssm:us-east-1:{_ACCOUNT}:parameter/ours"
    by_path = role_with([_allow("ssm:GetParametersByPath", resource=ours)])("ssm")
    assert [each["Name"] for each in by_path.get_parameters_by_path(Path="/ours")["Parameters"]] == ["/ours/a"]
    with pytest.raises(ClientError, match="parameter/theirs"):
        by_path.get_parameters_by_path(Path="/theirs")
    by_name = role_with([_allow("ssm:GetParameters", resource=f"{ours}/*")])("ssm")
    assert [each["Name"] for each in by_name.get_parameters(Names=["/ours/a"])["Parameters"]] == ["/ours/a"]
    with pytest.raises(ClientError, match="ssm:GetParameters"):
        by_name.get_parameters(Names=["/ours/a", "/theirs/a"])
    emulator.client("ssm").delete_parameters(Names=["/ours/a", "/theirs/a"])


def test_log_groups_are_listed_by_whoever_may_list_all(role_with: RoleWith) -> None:
    role_with([_allow("logs:DescribeLogGroups")])("logs").describe_log_groups()
    some = role_with([_allow("logs:DescribeLogGroups", resource=f"arn:aws:logs:us-east-1:{_ACCOUNT}:log-group:*")])
    with pytest.raises(ClientError, match="logs:DescribeLogGroups"):
        some("logs").describe_log_groups()


def test_a_session_outlives_a_kill(own_emulator: Emulator) -> None:
    iam = own_emulator.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{_ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName="kept", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]
    keys = own_emulator.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
    time.sleep(3)
    own_emulator.stop(signal.SIGKILL)
    own_emulator.start()
    caller = own_emulator.client("sts", **_as_arguments(keys))
    assert caller.get_caller_identity()["Arn"].endswith("assumed-role/kept/test")


def test_kms_without_a_key_takes_the_buckets(emulator: Emulator, bucket: str, key: str) -> None:
    s3 = emulator.client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"", ServerSideEncryption="aws:kms")
    assert s3.head_object(Bucket=bucket, Key="k")["SSEKMSKeyId"] == key


def test_a_right_to_one_backup_vault(emulator: Emulator, role_with: RoleWith) -> None:
    owner = emulator.client("backup")
    for name in ("ours", "theirs"):
        owner.create_backup_vault(BackupVaultName=name)
    vault = f"arn:aws:backup:us-east-1:{_ACCOUNT}:backup-vault:ours"
    actions = ["backup:DescribeBackupVault", "backup:ListRecoveryPointsByBackupVault"]
    backup = role_with([{"Effect": "Allow", "Action": actions, "Resource": vault}])("backup")
    assert backup.describe_backup_vault(BackupVaultName="ours")["BackupVaultArn"] == vault
    assert backup.list_recovery_points_by_backup_vault(BackupVaultName="ours")["RecoveryPoints"] == []
    with pytest.raises(ClientError, match="backup:DescribeBackupVault"):
        backup.describe_backup_vault(BackupVaultName="theirs")
    for name in ("ours", "theirs"):
        owner.delete_backup_vault(BackupVaultName=name)


def _bounded_role(boundary: Any) -> dict[str, Any]:
    everything = {"Effect": "Allow", "Action": ["sqs:ListQueues", "sns:ListTopics"], "Resource": "*"}
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{_ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [{"PolicyName": "own", "PolicyDocument": {"Statement": [everything]}}],
            "PermissionsBoundary": boundary,
        },
    }


def test_a_role_of_a_stack_may_do_what_its_boundary_leaves(emulator: Emulator, deploy: Deploy) -> None:
    queues = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    boundary = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": {"Version": "2012-10-17", "Statement": [queues]}},
    }
    resources = {"Boundary": boundary, "Role": _bounded_role({"Ref": "Boundary"})}
    outputs = deploy("bounded", resources, {"Arn": {"Fn::GetAtt": ["Role", "Arn"]}})
    keys = emulator.client("sts").assume_role(RoleArn=outputs["Arn"], RoleSessionName="test")["Credentials"]
    emulator.client("sqs", **_as_arguments(keys)).list_queues()
    with pytest.raises(ClientError, match=r"AccessDenied|AuthorizationError|not authorized"):
        emulator.client("sns", **_as_arguments(keys)).list_topics()


def test_a_role_does_not_come_before_its_boundary(emulator: Emulator, deploy: Deploy) -> None:
    with pytest.raises(AssertionError, match="later"):
        deploy("unbounded", {"Role": _bounded_role(f"arn:aws:iam::{_ACCOUNT}:policy/later")}, {})
