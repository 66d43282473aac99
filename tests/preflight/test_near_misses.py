"""Sound templates that a rule once refused, and beside each the fault that it still has to find."""

from __future__ import annotations

import pytest

from tests.preflight.variants import judged

_ENDPOINT = (
    "Group: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: x%s}}\n"
    "Endpoint: {Type: AWS::EC2::VPCEndpoint, Properties: {VpcEndpointType: Interface, "
    "ServiceName: com.amazonaws.eu-west-1.kms, SecurityGroupIds: [!GetAtt Group.GroupId]}}"
)
_SITE = (
    "Site: {Type: AWS::S3::Bucket, Properties: {BucketName: %s}}\n"
    "Policy: {Type: AWS::S3::BucketPolicy, Properties: {Bucket: %s, PolicyDocument: {Statement: "
    "[{Effect: Allow, Action: 's3:GetObject', Principal: {Service: %s}, Resource: '*'}]}}}\n"
    "Distribution: {Type: AWS::CloudFront::Distribution, Properties: {DistributionConfig: {Origins: "
    "[{Id: site, DomainName: %s, OriginAccessControlId: E1}]}}}"
)
_SUB, _JOIN = "!Sub '${Stage}-site'", "!Join ['-', [!Ref Stage, site]]"
_DOMAIN = "!GetAtt Site.RegionalDomainName"
_CLOUDFRONT = "cloudfront.amazonaws.com"
_LOGS = (
    "Logs: {Type: AWS::S3::Bucket, Properties: {BucketName: %s}}\n"
    "Policy: {Type: AWS::S3::BucketPolicy, Properties: {Bucket: %s, PolicyDocument: {Statement: "
    "[{Effect: Allow, Action: 's3:PutObject', Principal: {Service: logdelivery.elasticloadbalancing.amazonaws.com}, "
    "Resource: %s}]}}}\n"
    "Balancer: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer, Properties: {LoadBalancerAttributes: "
    "[{Key: access_logs.s3.enabled, Value: 'true'}, {Key: access_logs.s3.bucket, Value: !Ref Logs}]}}"
)
_OBJECTS = "!Sub 'arn:aws:s3:::${Stage}-logs/AWSLogs/*'"
_IF = "!If [Secure, {Type: redirect}, {Type: forward, TargetGroupArn: !Ref Group}]"
_FORWARD = "{Type: forward, TargetGroupArn: !Ref Group}"
_SERVICE = (
    "Group: {Type: AWS::ElasticLoadBalancingV2::TargetGroup}\n"
    "Listener: {Type: AWS::ElasticLoadBalancingV2::Listener, Properties: {DefaultActions: [%s]}}\n"
    "Rule: {Type: AWS::ElasticLoadBalancingV2::ListenerRule, Properties: {Actions: [%s]}}\n"
    "Service: {Type: AWS::ECS::Service, DependsOn: %s, "
    "Properties: {LoadBalancers: [{TargetGroupArn: !Ref Group}]}}"
)
_DATABASE = "Database: {Type: AWS::RDS::DBInstance, Properties: {%s}}"
_FAMILY = (
    "Database: {Type: AWS::RDS::DBInstance, Properties: {Engine: MySQL, EngineVersion: 8.0.40, "
    "DBParameterGroupName: !Ref Group}}\nGroup: {Type: AWS::RDS::DBParameterGroup, Properties: {Family: %s}}"
)
_ROLE = (
    "Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: "
    """'{"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "%s"}}]}'}}\n"""
    "Build: {Type: AWS::CodeBuild::Project, Properties: {ServiceRole: !Ref Role}}"
)
_BUILD = (
    "Build: {Type: AWS::CodeBuild::Project, Properties: {Environment: {Image: '%s'}, "
    "Source: {Type: CODEPIPELINE, BuildSpec: '{phases: {build: {commands: [\"docker build .\"]}}}'}}}"
)

BROKEN = [
    ("VPC-51c", _ENDPOINT % ", SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 80, ToPort: 80}]"),
    ("VPC-51c", _ENDPOINT % ", SecurityGroupIngress: []"),
    ("CDN-85b", _SITE % (_SUB, _JOIN, "lambda.amazonaws.com", _DOMAIN)),
    ("CDN-85b", _SITE % (_SUB, _SUB, "lambda.amazonaws.com", "!Sub '${Stage}-site.s3.eu-west-1.amazonaws.com'")),
    ("ELB-38c", _LOGS % ("!Sub '${Stage}-logs'", "!Sub '${Stage}-logs'", "!Sub 'arn:aws:s3:::${Stage}-logs/web/*'")),
    ("ELB-217", _SERVICE % (_IF, _FORWARD, "Group")),
    ("RDS-53", _FAMILY % "MySQL8.4"),
    ("RDS-53b", _FAMILY % "MySQL8.0.40"),
    ("RDS-201", _DATABASE % "Engine: postgres, StorageType: standard, AllocatedStorage: 4"),
    ("RDS-201", _DATABASE % "Engine: mysql, StorageType: gp2, AllocatedStorage: '4'"),
    ("RDS-201", _DATABASE % "Engine: mariadb, StorageType: gp3, AllocatedStorage: 5"),
    ("RDS-201", _DATABASE % "Engine: oracle-se2, StorageType: standard, AllocatedStorage: 5"),
    ("RDS-201", _DATABASE % "Engine: sqlserver-ex, StorageType: standard, AllocatedStorage: 10"),
    ("RDS-201b", _DATABASE % "Engine: mysql, StorageType: gp2, AllocatedStorage: 5"),
    ("PIPE-220", _ROLE % "codepipeline.amazonaws.com"),
    ("PIPE-122b", _BUILD % "aws/codebuild/standard:7.0"),
]

SOUND = [
    # Rules may come from elsewhere: other stacks, or whoever connects to it.
    ("VPC-51c", _ENDPOINT % ""),
    ("CDN-85b", _SITE % (_SUB, _SUB, _CLOUDFRONT, _DOMAIN)),
    ("CDN-85b", _SITE % (_SUB, _JOIN, _CLOUDFRONT, _DOMAIN)),
    ("CDN-85b", _SITE % ("!Ref Name", "!Ref Name", _CLOUDFRONT, _DOMAIN)),
    ("CDN-85b", _SITE % ("!If [Named, !Ref Name, a]", "!If [Named, !Ref Name, a]", _CLOUDFRONT, _DOMAIN)),
    # A policy of whatever bucket the deployment will say.
    ("CDN-85b", _SITE % (_SUB, "!ImportValue Site", "lambda.amazonaws.com", _DOMAIN)),
    ("ELB-38c", _LOGS % ("!Sub '${Stage}-logs'", "!Join ['-', [!Ref Stage, logs]]", _OBJECTS)),
    ("ELB-38c", _LOGS % ("!Ref Name", "!Ref Name", "!Join ['', ['arn:aws:s3:::', !Ref Name, '/*']]")),
    ("ELB-38c", _LOGS % ("!Sub '${Stage}-logs'", "!ImportValue Logs", "!Sub 'arn:aws:s3:::${Stage}-logs/web/*'")),
    ("ELB-217", _SERVICE % (_IF, _FORWARD, "Listener")),
    ("RDS-53", _FAMILY % "MySQL8.0"),
    ("RDS-53b", _FAMILY % "MySQL8.0"),
    ("RDS-201", _DATABASE % "Engine: postgres, StorageType: standard, AllocatedStorage: 5"),
    ("RDS-201", _DATABASE % "Engine: mysql, StorageType: gp2, AllocatedStorage: '5'"),
    ("RDS-201", _DATABASE % "Engine: oracle-se2, StorageType: standard, AllocatedStorage: 10"),
    ("RDS-201b", _DATABASE % "Engine: mysql, StorageType: gp2, AllocatedStorage: '20'"),
    ("RDS-201b", _DATABASE % "Engine: mysql, StorageType: standard, AllocatedStorage: '5'"),
    ("PIPE-220", _ROLE % "codebuild.amazonaws.com"),
    # CodeBuild's former images with Docker needed no flag; what has become of them is for other rules.
    ("PIPE-122b", _BUILD % "aws/codebuild/docker:17.09.0"),
]


@pytest.mark.parametrize(("rule_id", "resources"), BROKEN)
def test_the_fault_is_still_found(rule_id: str, resources: str) -> None:
    assert judged(rule_id, resources) != []


@pytest.mark.parametrize(("rule_id", "resources"), SOUND)
def test_the_near_miss_passes(rule_id: str, resources: str) -> None:
    assert judged(rule_id, resources) == []


def _exports(first: str, second: str, conditions: str) -> list[tuple[str, str]]:
    outputs = f"  One: {{Value: a, Export: {{Name: x}}{first}}}\n  Two: {{Value: b, Export: {{Name: x}}{second}}}"
    return judged("CFN-130d", "Queue: {Type: AWS::SQS::Queue}", conditions, more=f"Outputs:\n{outputs}")


def test_an_export_under_one_of_two_conditions_is_exported_once() -> None:
    undecided = "{Big: !Equals [!Ref Size, big], Small: !Not [{Condition: Big}]}"
    assert _exports("", "", undecided) != []
    assert _exports(", Condition: Big", ", Condition: Big", undecided) != []
    assert _exports(", Condition: Big", ", Condition: Small", undecided) == []
    assert _exports("", ", Condition: Never", "{Never: !Equals [a, b]}") == []
    assert _exports("", ", Condition: Always", "{Always: !Equals [a, a]}") != []


def _weak_references(count: int) -> str:
    reading = '{"Fn::GetStackOutput": {StackName: A, OutputName: Id}}'
    return f"Reader: {{Type: 'Custom::Reader', Properties: {{Values: [{', '.join([reading] * count)}]}}}}"


@pytest.mark.parametrize(("count", "found"), [(49, []), (50, ["CFN-128b"]), (74, ["CFN-128b"]), (75, ["CFN-128"])])
def test_as_many_weak_references_as_were_throttled_are_refused_and_fewer_are_warned_of(
    count: int, found: list[str]
) -> None:
    assert [rule_id for rule_id in ("CFN-128", "CFN-128b") if judged(rule_id, _weak_references(count))] == found
