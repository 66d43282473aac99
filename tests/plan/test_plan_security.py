"""Security in words: ports, policies, public access, encryption, protection."""

from __future__ import annotations

from typing import Any

import pytest

from plan.security.all import security_findings
from tests.plan.assemblies import Resources, changed, resource

GROUP = resource("AWS::EC2::SecurityGroup", GroupDescription="database")


def told(before: Resources, after: Resources) -> list[tuple[str, str]]:
    return [(one.direction.value, one.text) for one in security_findings(changed(before, after))]


def rule(**properties: Any) -> Any:
    return resource("AWS::EC2::SecurityGroupIngress", GroupId={"Ref": "Group"}, **properties)


def role(*statements: dict[str, Any]) -> Any:
    return resource("AWS::IAM::Policy", PolicyDocument={"Statement": list(statements)})


READS = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::receipts/*"}


def test_a_port_opened_to_everyone() -> None:
    open_ = rule(IpProtocol="tcp", FromPort=5432, ToPort=5432, CidrIp="0.0.0.0/0")
    assert told({"Group": GROUP}, {"Group": GROUP, "Open": open_}) == [
        ("wider", "opens TCP 5432 from everyone (0.0.0.0/0)")
    ]


def test_a_rule_that_moves_into_the_group_opens_nothing() -> None:
    one = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 81, "CidrIp": "10.0.0.0/8"}
    inside = resource("AWS::EC2::SecurityGroup", GroupDescription="database", SecurityGroupIngress=[one])
    assert told({"Group": GROUP, "Rule": rule(**one)}, {"Group": inside}) == []


def test_a_port_that_is_closed() -> None:
    before = {"Group": GROUP, "Rule": rule(IpProtocol="-1", CidrIp="10.0.0.0/8")}
    assert told(before, {"Group": GROUP}) == [("narrower", "closes all ports from 10.0.0.0/8")]


def test_more_actions() -> None:
    after = {**READS, "Action": ["s3:GetObject", "s3:DeleteObject"]}
    assert told({"R": role(READS)}, {"R": role(after)}) == [
        ("wider", "may: s3:DeleteObject on arn:aws:s3:::receipts/*")
    ]


def test_a_wildcard_is_told_as_such_and_what_it_covers_is_not_taken_away() -> None:
    assert told({"R": role(READS)}, {"R": role({**READS, "Action": "s3:*"})}) == [
        ("wider", "may: s3:* on arn:aws:s3:::receipts/* (wildcard)")
    ]


def test_more_resources() -> None:
    ((direction, text),) = told({"R": role(READS)}, {"R": role({**READS, "Resource": "*"})})
    assert (direction, text) == ("wider", "may: s3:GetObject on * (wildcard)")


def test_a_condition_that_falls_away() -> None:
    condition = {"Bool": {"aws:SecureTransport": "true"}}
    ((direction, text),) = told({"R": role({**READS, "Condition": condition})}, {"R": role(READS)})
    assert (direction, text) == ("wider", "may: s3:GetObject on arn:aws:s3:::receipts/*")


def test_a_deny_that_falls_away_is_wider() -> None:
    deny = {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*", "Principal": "*"}
    assert told({"R": role(deny)}, {"R": role()}) == [("wider", "* is not denied any more: s3:DeleteObject on *")]


def test_another_principal_may_assume_a_role() -> None:
    def trusting(*services: str) -> Any:
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": list(services)}}
        return resource("AWS::IAM::Role", AssumeRolePolicyDocument={"Statement": [statement]})

    found = told({"R": trusting("a.amazonaws.com")}, {"R": trusting("a.amazonaws.com", "b.amazonaws.com")})
    assert found == [("wider", "b.amazonaws.com may assume this role")]


def test_a_narrower_policy() -> None:
    assert told({"R": role(READS)}, {"R": role()}) == [
        ("narrower", "may not any more: s3:GetObject on arn:aws:s3:::receipts/*")
    ]


@pytest.mark.parametrize(
    ("kind", "before", "after", "words"),
    [
        ("AWS::RDS::DBInstance", {"PubliclyAccessible": False}, {"PubliclyAccessible": True}, "public address"),
        ("AWS::RDS::DBInstance", {"DeletionProtection": True}, {"DeletionProtection": False}, "protection is off"),
        ("AWS::RDS::DBInstance", {"BackupRetentionPeriod": 35}, {"BackupRetentionPeriod": 1}, "1 days (were 35)"),
        ("AWS::RDS::DBInstance", {"StorageEncrypted": True}, {}, "not encrypted"),
        ("AWS::RDS::DBInstance", {"MultiAZ": True}, {"MultiAZ": False}, "no standby"),
        ("AWS::ElastiCache::ReplicationGroup", {"TransitEncryptionEnabled": True}, {}, "not encrypted"),
        ("AWS::Logs::LogGroup", {"KmsKeyId": "key"}, {}, "no key of our own"),
        ("AWS::KMS::Key", {"EnableKeyRotation": True}, {}, "does not rotate"),
        ("AWS::ElasticLoadBalancingV2::Listener", {"Protocol": "HTTPS"}, {"Protocol": "HTTP"}, "plain HTTP"),
        ("AWS::ECS::Service", {}, {"EnableExecuteCommand": True}, "open a shell"),
        (
            "AWS::S3::Bucket",
            {"PublicAccessBlockConfiguration": {"BlockPublicPolicy": True}},
            {},
            "not blocked any more (BlockPublicPolicy)",
        ),
    ],
)
def test_a_setting_that_gets_weaker(kind: str, before: dict[str, Any], after: dict[str, Any], words: str) -> None:
    strong, weak = resource(kind, **before), resource(kind, **after)
    found = [text for direction, text in told({"X": strong}, {"X": weak}) if direction == "wider"]
    assert any(words in text for text in found)
    back = [text for direction, text in told({"X": weak}, {"X": strong}) if direction == "narrower"]
    assert len(back) == len(found)


def test_a_deletion_policy_that_no_longer_retains() -> None:
    before, after = (resource("AWS::S3::Bucket", deletion=policy) for policy in ("Retain", "Delete"))
    assert ("wider", "DeletionPolicy becomes Delete (was Retain)") in told({"B": before}, {"B": after})


def test_the_group_that_lets_nothing_out_lets_nothing_out() -> None:
    nothing = [{"IpProtocol": "icmp", "FromPort": 252, "ToPort": 86, "CidrIp": "255.255.255.255/32"}]
    closed = resource("AWS::EC2::SecurityGroup", GroupDescription="x", SecurityGroupEgress=nothing)
    assert told({}, {"Group": closed}) == []
