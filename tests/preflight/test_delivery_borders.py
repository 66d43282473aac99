"""Both sides of every border in the rules on pipelines, functions, registries and schedules that have several."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from preflight.assembly import Assembly, Stack
from preflight.engine import run
from preflight.loading import single

REGION = "us-east-1"
ROLE = "arn:aws:iam::111122223333:role/any"
FUNCTION = {"Runtime": "python3.13", "Handler": "a.b", "Code": {"ZipFile": "pass"}, "Role": ROLE}
CODE = {"Type": "GITHUB", "Location": "https://github.com/a/b"}
LINUX = {"Type": "LINUX_CONTAINER", "ComputeType": "BUILD_GENERAL1_SMALL", "Image": "aws/codebuild/standard:7.0"}
BUILD = {
    "ServiceRole": ROLE,
    "Source": CODE,
    "Artifacts": {"Type": "NO_ARTIFACTS"},
    "Environment": LINUX,
}
TARGET = {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:purgeQueue", "RoleArn": ROLE, "Input": "{}"}
SCHEDULE = {
    "ScheduleExpression": "rate(1 day)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": TARGET,
}
QUEUE_MAPPING = {"FunctionName": "fn", "EventSourceArn": "arn:aws:sqs:us-east-1:111122223333:queue"}
STREAM_MAPPING = {"FunctionName": "fn", "EventSourceArn": "arn:aws:dynamodb:us-east-1:111122223333:table/t/stream/s"}
BASES: dict[str, tuple[str, dict[str, Any]]] = {
    "build": ("AWS::CodeBuild::Project", BUILD),
    "cache": ("AWS::ECR::PullThroughCacheRule", {"EcrRepositoryPrefix": "up"}),
    "function": ("AWS::Lambda::Function", FUNCTION),
    "queue mapping": ("AWS::Lambda::EventSourceMapping", QUEUE_MAPPING),
    "repository": ("AWS::ECR::Repository", {"EmptyOnDelete": True}),
    "schedule": ("AWS::Scheduler::Schedule", SCHEDULE),
    "stream mapping": ("AWS::Lambda::EventSourceMapping", STREAM_MAPPING),
}


def lifecycle(**selection: Any) -> dict[str, Any]:
    given = {"tagStatus": "tagged", "tagPrefixList": ["v"], "countType": "imageCountMoreThan", "countNumber": 1}
    rule = {"rulePriority": 1, "selection": given | selection, "action": {"type": "expire"}}
    return {"LifecyclePolicy": {"LifecyclePolicyText": json.dumps({"rules": [rule]})}}


def cron(fields: str) -> dict[str, Any]:
    return {"ScheduleExpression": f"cron({fields})"}


def target(**changes: Any) -> dict[str, Any]:
    return {"Target": TARGET | changes}


def machine(**changes: Any) -> dict[str, Any]:
    return {"Environment": LINUX | changes}


def network(groups: int) -> dict[str, Any]:
    return {"VpcConfig": {"SecurityGroupIds": [f"sg-0123456{number}" for number in range(groups)]}}


def sources(number: int) -> dict[str, Any]:
    return {"SecondarySources": [{**CODE, "SourceIdentifier": f"s{one}"} for one in range(number)]}


def layers(number: int) -> dict[str, Any]:
    return {"Layers": [f"arn:aws:lambda:us-east-1:111122223333:layer:tool{one}:1" for one in range(number)]}


LAMBDA = "arn:aws:lambda:{}:111122223333:function:fn"
AZURE, HUB, GITHUB = "team.azurecr.io", "registry-1.docker.io", "ghcr.io"
SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:ecr-pullthroughcache/login-AbCdEf"

BORDERS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("ECR-126b", "cache", {"UpstreamRegistryUrl": AZURE}, {"UpstreamRegistryUrl": AZURE, "CredentialArn": SECRET}),
    ("ECR-126b", "cache", {"UpstreamRegistry": "docker-hub"}, {"UpstreamRegistry": "quay"}),
    (
        "ECR-126b",
        "cache",
        {"UpstreamRegistryUrl": GITHUB, "UpstreamRegistry": "docker-hub", "CredentialArn": SECRET},
        {"UpstreamRegistryUrl": HUB, "UpstreamRegistry": "docker-hub", "CredentialArn": SECRET},
    ),
    (
        "ECR-126b",
        "cache",
        {"UpstreamRegistryUrl": "quay.io", "CredentialArn": SECRET},
        {"UpstreamRegistryUrl": "quay.io"},
    ),
    (
        "ECR-126b",
        "cache",
        {"UpstreamRegistryUrl": "https://quay.io"},
        {"UpstreamRegistryUrl": "111122223333.dkr.ecr.eu-west-1.amazonaws.com"},
    ),
    (
        "ECR-126",
        "cache",
        {"CredentialArn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:login-AbCdEf"},
        {"CredentialArn": SECRET},
    ),
    ("ECR-203", "repository", lifecycle(tagPatternList=["v*"]), lifecycle()),
    ("ECR-203", "repository", lifecycle(tagStatus="untagged"), lifecycle(tagStatus="untagged", tagPrefixList=[])),
    (
        "ECR-203",
        "repository",
        lifecycle(tagPrefixList=[], tagPatternList=["*a*b*c*d*"]),
        lifecycle(tagPrefixList=[], tagPatternList=["*a*b*c*d"]),
    ),
    ("ECR-203", "repository", lifecycle(countNumber=0), lifecycle(countNumber=1)),
    ("ECR-203", "repository", lifecycle(countUnit="days"), lifecycle(countType="sinceImagePulled", countUnit="days")),
    ("LAMBDA-202", "function", {"MemorySize": 127}, {"MemorySize": 128}),
    ("LAMBDA-202", "function", {"Timeout": 901}, {"Timeout": 900}),
    ("LAMBDA-202", "function", {"EphemeralStorage": {"Size": 10241}}, {"EphemeralStorage": {"Size": 10240}}),
    ("LAMBDA-202", "function", {"EphemeralStorage": {"Size": 511}}, {"EphemeralStorage": {"Size": 512}}),
    ("LAMBDA-202", "function", layers(6), layers(5)),
    (
        "LAMBDA-202",
        "function",
        {"Environment": {"Variables": {"A": "x" * 4096}}},
        {"Environment": {"Variables": {"A": "x" * 4095}}},
    ),
    ("LAMBDA-206", "queue mapping", {"BatchSize": 11, "MaximumBatchingWindowInSeconds": 0}, {"BatchSize": 10}),
    ("LAMBDA-206", "queue mapping", {"ParallelizationFactor": 2}, {"ScalingConfig": {"MaximumConcurrency": 2}}),
    ("LAMBDA-206", "stream mapping", {"ScalingConfig": {"MaximumConcurrency": 2}}, {"ParallelizationFactor": 2}),
    ("LAMBDA-206", "stream mapping", {"StartingPosition": "AT_TIMESTAMP"}, {"StartingPosition": "TRIM_HORIZON"}),
    (
        "LAMBDA-207",
        "function",
        {"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:111122223333:late.fifo"}},
        {"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:111122223333:late"}},
    ),
    (
        "LAMBDA-211",
        "function",
        {"Code": {"ZipFile": "pass", "S3Bucket": "code", "S3Key": "a.zip"}},
        {"Code": {"S3Bucket": "code", "S3Key": "a.zip"}},
    ),
    ("LAMBDA-211", "function", {"ImageConfig": {"Command": ["a"]}}, {"PackageType": "Zip"}),
    ("LAMBDA-211", "function", {"PackageType": "Image"}, {"PackageType": "Zip"}),
    ("PIPE-211", "build", {"Artifacts": {"Type": "S3"}}, {"Artifacts": {"Type": "S3", "Location": "out"}}),
    ("PIPE-211", "build", {"Source": {"Type": "GITHUB"}}, {}),
    (
        "PIPE-211",
        "build",
        {"Source": {"Type": "NO_SOURCE"}},
        {"Source": {"Type": "NO_SOURCE", "BuildSpec": "version: 0.2"}},
    ),
    (
        "PIPE-211",
        "build",
        {"SecondaryArtifacts": [{"Type": "CODEPIPELINE"}]},
        {"SecondaryArtifacts": [{"Type": "S3", "Location": "out"}]},
    ),
    (
        "PIPE-212",
        "build",
        {"Artifacts": {"Type": "NO_ARTIFACTS", "EncryptionDisabled": True}},
        {"Artifacts": {"Type": "S3", "Location": "out", "EncryptionDisabled": True}},
    ),
    ("PIPE-212", "build", {"Source": {"Type": "S3", "Location": "a/b"}, "BadgeEnabled": True}, {"BadgeEnabled": True}),
    ("PIPE-213", "build", network(6), network(5)),
    ("PIPE-213", "build", machine(Fleet={"FleetArn": "arn"}) | network(1), machine(Fleet={"FleetArn": "arn"})),
    (
        "PIPE-214",
        "build",
        machine(EnvironmentVariables=[{"Name": "A"}] * 2),
        machine(EnvironmentVariables=[{"Name": "A"}]),
    ),
    (
        "PIPE-215",
        "build",
        {"BuildBatchConfig": {"TimeoutInMins": 2161}},
        {"BuildBatchConfig": {"TimeoutInMins": 2160}},
    ),
    ("PIPE-215", "build", {"BuildBatchConfig": {"TimeoutInMins": 4}}, {"BuildBatchConfig": {"TimeoutInMins": 5}}),
    ("PIPE-215", "build", {"Cache": {"Type": "LOCAL"}}, {"Cache": {"Type": "LOCAL", "Modes": ["LOCAL_SOURCE_CACHE"]}}),
    (
        "PIPE-215",
        "build",
        {"LogsConfig": {"S3Logs": {"Status": "ENABLED"}}},
        {"LogsConfig": {"S3Logs": {"Status": "DISABLED"}}},
    ),
    ("PIPE-216", "build", sources(13), sources(12)),
    (
        "PIPE-122b",
        "build",
        {"Source": {**CODE, "BuildSpec": "docker compose up"}},
        {
            "Source": {**CODE, "BuildSpec": "docker --version; echo docker-build"},
        },
    ),
    ("PIPE-122e", "build", machine(Type="ARM_LAMBDA_CONTAINER"), machine(Type="ARM_CONTAINER")),
    ("PIPE-122e", "build", machine(ComputeType="ATTRIBUTE_BASED_COMPUTE"), machine(ComputeType="BUILD_GENERAL1_LARGE")),
    (
        "PIPE-122f",
        "build",
        machine(Type="WINDOWS_SERVER_2022_CONTAINER", PrivilegedMode=True),
        machine(PrivilegedMode=True),
    ),
    ("SCHED-137b", "schedule", cron("60 0 * * ? *"), cron("59 0 * * ? *")),
    ("SCHED-137b", "schedule", cron("0 24 * * ? *"), cron("0 23 * * ? *")),
    ("SCHED-137b", "schedule", cron("0 0 32 * ? *"), cron("0 0 31 * ? *")),
    ("SCHED-137b", "schedule", cron("0 0 0 * ? *"), cron("0 0 1 * ? *")),
    ("SCHED-137b", "schedule", cron("0 0 1 13 ? *"), cron("0 0 1 12 ? *")),
    ("SCHED-137b", "schedule", cron("0 0 ? * 8 *"), cron("0 0 ? * 7 *")),
    ("SCHED-137b", "schedule", cron("0 0 ? * ? *"), cron("0 0 ? * * *")),
    ("SCHED-137b", "schedule", cron("0 0 * * * *"), cron("0 0 L * ? *")),
    ("SCHED-137b", "schedule", cron("0 0 * ?"), cron("0 0 * * ?")),
    ("SCHED-137b", "schedule", {"ScheduleExpression": "rate(0 days)"}, {"ScheduleExpression": "rate(5 minutes)"}),
    ("SCHED-137b", "schedule", {"ScheduleExpression": "rate(1 week)"}, {"ScheduleExpression": "rate(7 days)"}),
    (
        "SCHED-137c",
        "schedule",
        target(Arn=LAMBDA.format(REGION), Input="text"),
        target(Arn="arn:aws:sqs:us-east-1:1:q", Input="text"),
    ),
    ("SCHED-137f", "schedule", target(Arn="arn:aws:scheduler:::aws-sdk:SQS:purgeQueue"), {}),
    ("SCHED-137f", "schedule", target(Arn="arn:aws:scheduler:::aws-sdk:sqs:PurgeQueue"), {}),
    (
        "SCHED-137f",
        "schedule",
        target(Arn="arn:aws:scheduler:::aws-sdk:sqs:getQueueUrl"),
        target(Arn="arn:aws:scheduler:::aws-sdk:x:getawayNow"),
    ),
    ("SCHED-201", "schedule", {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, {"FlexibleTimeWindow": {"Mode": "OFF"}}),
    (
        "SCHED-201",
        "schedule",
        {"StartDate": "2027-01-02T00:00:00.000Z", "EndDate": "2027-01-02T00:00:00.000Z"},
        {"StartDate": "2027-01-02T00:00:00.000Z", "EndDate": "2027-01-03T00:00:00.000Z"},
    ),
    ("SCHED-201", "schedule", target(Arn=LAMBDA.format("us-west-2")), target(Arn=LAMBDA.format(REGION))),
]


def findings(rule_id: str, kind: str, changes: dict[str, Any]) -> list[str]:
    resource_type, base = BASES[kind]
    properties = copy.deepcopy(base) | changes
    template = {"Resources": {"Thing": {"Type": resource_type, "Properties": properties}}}
    result = run(single(template, region=REGION), only=[rule_id])
    assert result.crashed == []
    return [finding.message for finding in result.findings]


@pytest.mark.parametrize(("rule_id", "kind", "broken", "sound"), BORDERS)
def test_a_border_is_where_aws_draws_it(rule_id: str, kind: str, broken: dict[str, Any], sound: dict[str, Any]) -> None:
    assert findings(rule_id, kind, broken) != []
    assert findings(rule_id, kind, sound) == []


@pytest.mark.parametrize(
    ("section", "most"), [("Resources", 500), ("Parameters", 200), ("Outputs", 200), ("Mappings", 200)]
)
def test_a_template_takes_so_many_and_no_more(section: str, most: int) -> None:
    for count, faults in ((most, 0), (most + 1, 1)):
        entry = {"Type": "AWS::SNS::Topic"}
        template = {"Resources": {"Topic": entry}} | {section: {f"Entry{number}": entry for number in range(count)}}
        assert len(run(single(template), only=["CFN-132"]).findings) == faults


@pytest.mark.parametrize(
    ("resource_type", "blocking", "free"),
    [
        ("AWS::RDS::DBInstance", {"DeletionProtection": True}, {"DeletionProtection": False}),
        ("AWS::DynamoDB::Table", {"DeletionProtectionEnabled": True}, {}),
        ("AWS::Cognito::UserPool", {"DeletionProtection": "ACTIVE"}, {"DeletionProtection": "INACTIVE"}),
        (
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            {"LoadBalancerAttributes": [{"Key": "deletion_protection.enabled", "Value": "true"}]},
            {"LoadBalancerAttributes": [{"Key": "routing.http2.enabled", "Value": "true"}]},
        ),
        ("AWS::Backup::BackupVault", {"LockConfiguration": {"MinRetentionDays": 1}}, {}),
        ("AWS::ECR::Repository", {}, {"EmptyOnDelete": True}),
    ],
)
def test_what_keeps_a_stack_from_its_expiry(resource_type: str, blocking: dict[str, Any], free: dict[str, Any]) -> None:
    delete = {
        "Arn": "arn:aws:scheduler:::aws-sdk:cloudformation:deleteStack",
        "RoleArn": ROLE,
        "Input": '{"StackName": "Preview"}',
    }
    for properties, faults in ((blocking, 1), (free, 0)):
        assembly = Assembly()
        schedule = {"Type": "AWS::Scheduler::Schedule", "Properties": SCHEDULE | {"Target": delete}}
        for name, resource in (("Sweeper", schedule), ("Preview", {"Type": resource_type, "Properties": properties})):
            assembly.stacks.append(Stack(name, {"Resources": {"Thing": resource}}, assembly, file="border"))
        assert len(run(assembly, only=["SCHED-136"]).findings) == faults
