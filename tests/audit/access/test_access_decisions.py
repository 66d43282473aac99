"""Decisions by all policies together: identity, boundary, the resource's own, across accounts."""

from __future__ import annotations

from typing import Any

import pytest

from audit.access.effective import effective
from audit.access.evaluation import Estate
from audit.access.patterns import covers, overlaps
from audit.access.principals import Kind
from tests.audit.estates import resource, small

TASKS = {
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}]
}
BUCKET = "arn:aws:s3:::data"
ROLE = "arn:aws:iam::111111111111:role/reader"


def statement(action: str | list[str], on: str | list[str], effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": on, **more}


def role(*statements: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return resource(
        "AWS::IAM::Role",
        RoleName="reader",
        AssumeRolePolicyDocument=TASKS,
        Policies=[{"PolicyName": "own", "PolicyDocument": {"Statement": list(statements)}}],
        **properties,
    )


def managed(*statements: dict[str, Any]) -> dict[str, Any]:
    return resource("AWS::IAM::ManagedPolicy", PolicyDocument={"Statement": list(statements)})


def bucket_policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return resource("AWS::S3::BucketPolicy", Bucket="data", PolicyDocument={"Statement": list(statements)})


def allowed(action: str, on: str, **resources: dict[str, Any]) -> bool:
    made = small(Bucket=resource("AWS::S3::Bucket", BucketName="data"), **resources)
    estate = Estate.of([made])
    return bool(estate.decide(estate.principals[ROLE], action, on))


READS = statement("s3:GetObject", f"{BUCKET}/*")
NOBODY_DELETES = statement("s3:Delete*", "*", "Deny", Principal="*")


def test_what_no_policy_allows_is_denied() -> None:
    assert allowed("s3:GetObject", f"{BUCKET}/a", Role=role(READS))
    assert not allowed("s3:PutObject", f"{BUCKET}/a", Role=role(READS))
    assert not allowed("s3:GetObject", "arn:aws:s3:::other/a", Role=role(READS))


def test_a_deny_wins_over_every_allow() -> None:
    both = role(statement("s3:*", "*"), statement("s3:GetObject", f"{BUCKET}/secret/*", "Deny"))
    assert allowed("s3:GetObject", f"{BUCKET}/open/a", Role=both)
    assert not allowed("s3:GetObject", f"{BUCKET}/secret/a", Role=both)


def test_a_boundary_limits_and_grants_nothing() -> None:
    limit = managed(statement("s3:Get*", "*"), statement("sqs:*", "*"))
    limited = role(statement("s3:*", "*"), PermissionsBoundary={"Ref": "Limit"})
    assert allowed("s3:GetObject", f"{BUCKET}/a", Role=limited, Limit=limit)
    assert not allowed("s3:PutObject", f"{BUCKET}/a", Role=limited, Limit=limit)
    assert not allowed("sqs:SendMessage", "arn:aws:sqs:us-east-1:111111111111:q", Role=limited, Limit=limit)


def test_a_resource_policy_alone_is_enough_within_the_account() -> None:
    named = bucket_policy(statement("s3:GetObject", f"{BUCKET}/*", Principal={"AWS": {"Fn::GetAtt": ["Role", "Arn"]}}))
    assert allowed("s3:GetObject", f"{BUCKET}/a", Role=role(), Policy=named)
    everybody = bucket_policy(statement("s3:GetObject", f"{BUCKET}/*", Principal="*"))
    assert allowed("s3:GetObject", f"{BUCKET}/a", Role=role(), Policy=everybody)


def test_a_boundary_limits_what_a_resource_policy_gives_a_role() -> None:
    named = bucket_policy(statement("s3:GetObject", f"{BUCKET}/*", Principal={"AWS": {"Fn::GetAtt": ["Role", "Arn"]}}))
    limited = role(PermissionsBoundary={"Ref": "Limit"})
    limit = managed(statement("sqs:*", "*"))
    assert not allowed("s3:GetObject", f"{BUCKET}/a", Role=limited, Limit=limit, Policy=named)


def test_a_resource_policy_denies() -> None:
    deletes = role(statement("s3:*", "*"))
    assert allowed("s3:DeleteObject", f"{BUCKET}/a", Role=deletes)
    assert not allowed("s3:DeleteObject", f"{BUCKET}/a", Role=deletes, Policy=bucket_policy(NOBODY_DELETES))


def test_a_deny_that_wants_tls_denies_nobody_who_uses_it() -> None:
    tls = bucket_policy(
        statement("s3:*", f"{BUCKET}/*", "Deny", Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    )
    assert allowed("s3:GetObject", f"{BUCKET}/a", Role=role(READS), Policy=tls)


@pytest.mark.parametrize(
    ("accounts", "expected"), [({"StringNotEquals": "111111111111"}, False), ({"StringEquals": "111111111111"}, True)]
)
def test_a_condition_that_the_templates_decide(accounts: dict[str, str], expected: bool) -> None:
    ((operator, account),) = accounts.items()
    own = role(statement("s3:GetObject", "*", Condition={operator: {"s3:ResourceAccount": account}}))
    assert allowed("s3:GetObject", f"{BUCKET}/a", Role=own, Policy=bucket_policy(NOBODY_DELETES)) is expected


def key(*statements: dict[str, Any]) -> dict[str, Any]:
    return resource("AWS::KMS::Key", KeyPolicy={"Statement": list(statements)})


def test_a_key_policy_has_to_allow_its_own_account() -> None:
    decrypts = role(statement("kms:Decrypt", {"Fn::GetAtt": ["Key", "Arn"]}))  # type: ignore[arg-type]
    root = statement("kms:*", "*", Principal={"AWS": "arn:aws:iam::111111111111:root"})
    service = statement("kms:*", "*", Principal={"Service": "logs.amazonaws.com"})
    for policy, expected in ((root, True), (service, False)):
        estate = Estate.of([small(Role=decrypts, Key=key(policy))])
        arn = "arn:aws:kms:us-east-1:111111111111:key/${App/Key}"
        assert bool(estate.decide(estate.principals[ROLE], "kms:Decrypt", arn)) is expected


def test_across_accounts_both_sides_have_to_allow() -> None:
    owner = small("222222222222", name="Owner", Bucket=resource("AWS::S3::Bucket", BucketName="data"))
    names = bucket_policy(statement("s3:GetObject", f"{BUCKET}/*", Principal={"AWS": ROLE}))
    sharing = small("222222222222", name="Owner", Bucket=resource("AWS::S3::Bucket", BucketName="data"), Policy=names)
    closed = small(
        "222222222222",
        name="Owner",
        Bucket=resource("AWS::S3::Bucket", BucketName="data"),
        Policy=bucket_policy(NOBODY_DELETES),
    )
    for other, own, expected in ((sharing, READS, True), (sharing, None, False), (closed, READS, False)):
        estate = Estate.of([small(Role=role(*([own] if own else []))), other])
        assert bool(estate.decide(estate.principals[ROLE], "s3:GetObject", f"{BUCKET}/a")) is expected
    assert owner.stacks


def test_effective_permissions_leave_out_what_is_taken_away() -> None:
    limited = role(
        statement(["s3:GetObject", "s3:Put*"], f"{BUCKET}/*"),
        statement("sqs:SendMessage", "*"),
        statement("s3:PutObjectAcl", "*", "Deny"),
        PermissionsBoundary={"Ref": "Limit"},
    )
    made = small(Role=limited, Limit=managed(statement(["s3:GetObject", "s3:PutObject*"], "*")))
    estate = Estate.of([made])
    (one,) = effective(estate, estate.principals[ROLE])
    assert one.resource == f"{BUCKET}/*"
    assert {"s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"} <= set(one.actions)
    assert not {"s3:PutObjectAcl", "s3:PutBucketPolicy", "s3:Put*"} & set(one.actions)
    assert one.levels == ("Permissions management", "Read", "Tagging", "Write")


def test_what_a_role_is_for_is_told_by_what_uses_it() -> None:
    task = resource("AWS::ECS::TaskDefinition", TaskRoleArn={"Fn::GetAtt": ["Role", "Arn"]})
    assert Estate.of([small(Role=role(), Task=task)]).principals[ROLE].kind is Kind.TASK
    assert Estate.of([small(Role=role())]).principals[ROLE].kind is Kind.SERVICE


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("a*", "*b", True),
        ("a*c", "ab*", True),
        ("a*c", "b*", False),
        ("arn:aws:s3:::x/*", "arn:aws:s3:::x/receipts/*", True),
        ("arn:aws:s3:::x/*", "arn:aws:s3:::y/*", False),
        ("a?c", "abc", True),
        ("a?c", "a*", True),
        ("*", "anything", True),
        ("a*b", "a*c", False),
    ],
)
def test_patterns_that_share_a_text(one: str, other: str, both: bool) -> None:
    assert overlaps(one, other) is both
    assert overlaps(other, one) is both


def test_a_single_character_does_not_cover_many() -> None:
    assert covers("a*", "ab*")
    assert covers("a?", "ab")
    assert not covers("a?", "a*")


def test_a_pattern_for_any_account_takes_in_ones_own() -> None:
    assert allowed("ec2:RunInstances", "arn:aws:ec2:*:*:instance/*", Role=role(statement("ec2:*", "arn:aws:ec2:*:*:*")))
