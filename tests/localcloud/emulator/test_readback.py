"""The comparison of templates with the API, against an emulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from localcloud.readback import assembly
from localcloud.readback.__main__ import load_readers

from .support import Deploy, Emulator

_RESOURCES: dict[str, Any] = {
    "Bucket": {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "BucketName": "mirrored",
            "VersioningConfiguration": {"Status": "Enabled"},
            "LifecycleConfiguration": {
                "Rules": [{"Id": "age", "Status": "Enabled", "ExpirationInDays": 30, "Prefix": "logs/"}]
            },
        },
    },
    "Query": {
        "Type": "AWS::Logs::QueryDefinition",
        "Properties": {"Name": "Mirrored/one", "QueryString": "filter a = 1", "LogGroupNames": ["/mirrored"]},
    },
    "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/mirrored", "RetentionInDays": 30}},
}


def _assembly(folder: Path, resources: dict[str, Any]) -> Path:
    manifest = {
        "artifacts": {
            "Mirrored": {
                "type": "aws:cloudformation:stack",
                "environment": "aws://000000000000/us-east-1",
                "properties": {"templateFile": "Mirrored.template.json", "stackName": "mirrored"},
            }
        }
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "Mirrored.template.json").write_text(json.dumps({"Resources": resources}))
    return folder


def _check(emulator: Emulator, folder: Path, resources: dict[str, Any] = _RESOURCES) -> list[str]:
    load_readers()
    result = assembly.check(_assembly(folder, resources), emulator.client)
    return [f"{finding.logical_id}{finding.message}" for finding in result.findings]


def test_what_was_deployed_as_written_has_no_differences(emulator: Emulator, deploy: Deploy, tmp_path: Path) -> None:
    deploy("mirrored", _RESOURCES)
    assert _check(emulator, tmp_path) == []


def test_boundaries_prefix_lists_and_dead_letters_are_there(emulator: Emulator, deploy: Deploy, tmp_path: Path) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    resources = {
        "Boundary": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"PolicyDocument": {"Version": "2012-10-17", "Statement": [everything]}},
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
                "PermissionsBoundary": {"Ref": "Boundary"},
            },
        },
        "Letters": {"Type": "AWS::SNS::Topic"},
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.14",
                "Handler": "index.handler",
                "Code": {"ZipFile": "def handler(event, context): pass"},
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "DeadLetterConfig": {"TargetArn": {"Ref": "Letters"}},
            },
        },
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.8.0.0/16"}},
        "List": {
            "Type": "AWS::EC2::PrefixList",
            "Properties": {
                "PrefixListName": "mirrored",
                "AddressFamily": "IPv4",
                "MaxEntries": 1,
                "Entries": [{"Cidr": "203.0.113.7/32", "Description": "one"}],
                "Tags": [{"Key": "Environment", "Value": "mirrored"}],
            },
        },
        "Group": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {"GroupDescription": "mirrored", "VpcId": {"Ref": "Vpc"}},
        },
        "Rule": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {
                "GroupId": {"Fn::GetAtt": ["Group", "GroupId"]},
                "IpProtocol": "tcp",
                "FromPort": 8080,
                "ToPort": 8080,
                "Description": "smoke tests",
                "SourcePrefixListId": {"Fn::GetAtt": ["List", "PrefixListId"]},
            },
        },
    }
    deploy("mirrored", resources)
    assert _check(emulator, tmp_path, resources) == []


def test_what_was_changed_behind_the_stack_is_found(emulator: Emulator, deploy: Deploy, tmp_path: Path) -> None:
    deploy("mirrored", _RESOURCES)
    emulator.client("s3").delete_bucket_lifecycle(Bucket="mirrored")
    emulator.client("logs").put_retention_policy(logGroupName="/mirrored", retentionInDays=7)
    found = _check(emulator, tmp_path)
    assert "Group.RetentionInDays: 30 in the template, 7 in the API" in found
    assert any(line.startswith("Bucket.LifecycleConfiguration") for line in found)
    assert len(found) == 2


def test_a_type_without_a_reader_is_a_difference(emulator: Emulator, deploy: Deploy, tmp_path: Path) -> None:
    deploy("mirrored", _RESOURCES)
    odd = {**_RESOURCES, "Odd": {"Type": "AWS::Odd::Thing"}}
    assert _check(emulator, tmp_path, odd) == [
        "Oddno reader for this type: whether it was deployed as written is unknown"
    ]


def test_a_resource_that_is_gone_is_a_difference(emulator: Emulator, deploy: Deploy, tmp_path: Path) -> None:
    deploy("mirrored", _RESOURCES)
    emulator.client("logs").delete_log_group(logGroupName="/mirrored")
    found = _check(emulator, tmp_path)
    assert len(found) == 1
    assert "/mirrored could not be read" in found[0]
