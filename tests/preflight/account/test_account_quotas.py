"""What the stacks add against what the account allows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.preflight.account.cloud import HOME, NUMBER, WEST, Cloud, assembly, fails, passes, said, stack, unchecked


def quota(cloud: Cloud, value: float, *, region: str = HOME, metric: dict[str, Any] | None = None) -> Cloud:
    described = {"QuotaName": "q", "Value": value, **({"UsageMetric": metric} if metric else {})}
    return cloud.says("service-quotas", "GetServiceQuota", {"Quota": described}, region=region)


NAT = "\n".join(f"E{index}: {{Type: AWS::EC2::EIP}}" for index in range(3))


@pytest.mark.parametrize(("in_use", "status"), [(2, "pass"), (3, "fail")])
def test_elastic_ips_beside_those_in_use(in_use: int, status: str) -> None:
    cloud = quota(Cloud(), 5).lacks()
    cloud.says("ec2", "DescribeAddresses", {"Addresses": [{"PublicIp": f"192.0.2.{n}"} for n in range(in_use)]})
    (answer,) = cloud.ask("quota-network", assembly(stack(NAT)))
    assert str(answer.status) == status
    assert answer.detail == f"3 Elastic IP addresses needed, {5 - in_use} available ({in_use} of 5 in use)"


def test_elastic_ips_that_are_deployed_already_are_not_needed_again() -> None:
    cloud = quota(Cloud(), 5).has(E0="1", E1="2", E2="3")
    cloud.says("ec2", "DescribeAddresses", {"Addresses": [{"PublicIp": f"192.0.2.{n}"} for n in range(5)]})
    assert passes(cloud.ask("quota-network", assembly(stack(NAT)))).detail.startswith("0 Elastic IP addresses needed")


def test_vpcs_in_two_regions_on_two_pages() -> None:
    cloud = Cloud().lacks().lacks(region=WEST)
    cloud.says("ec2", "DescribeVpcs", {"Vpcs": [{"VpcId": f"vpc-{n}"} for n in range(4)], "NextToken": "more"})
    cloud.says("ec2", "DescribeVpcs", {"Vpcs": [{"VpcId": "vpc-5"}]}, given={"NextToken": "more"})
    cloud.says("ec2", "DescribeVpcs", {"Vpcs": []}, region=WEST)
    quota(quota(cloud, 5), 5, region=WEST)
    vpc = "V: {Type: AWS::EC2::VPC}"
    answers = cloud.ask("quota-network", assembly(stack(vpc), stack(vpc, name="West", region=WEST)))
    assert said(answers) == [("fail", f"{HOME} VPCs"), ("pass", f"{WEST} VPCs")]
    assert "L-F678F1CE --desired-value 6" in answers[0].remedy


def test_a_quota_that_was_never_set_is_aws_s_default() -> None:
    cloud = Cloud().lacks().says("ec2", "DescribeVpcs", {"Vpcs": []})
    cloud.refuses("service-quotas", "GetServiceQuota", "NoSuchResourceException")
    cloud.says("service-quotas", "GetAWSDefaultServiceQuota", {"Quota": {"Value": 5.0}})
    passes(cloud.ask("quota-network", assembly(stack("V: {Type: AWS::EC2::VPC}"))))


def test_only_gateway_endpoints_count_as_gateway_endpoints() -> None:
    endpoints = """
G: {Type: AWS::EC2::VPCEndpoint, Properties: {ServiceName: s3}}
I: {Type: AWS::EC2::VPCEndpoint, Properties: {ServiceName: logs, VpcEndpointType: Interface}}
"""
    cloud = quota(Cloud(), 20).lacks().says("ec2", "DescribeVpcEndpoints", {"VpcEndpoints": []})
    assert passes(cloud.ask("quota-network", assembly(stack(endpoints)))).detail.startswith("1 gateway endpoints")


DATABASES = "\n".join(
    f"D{n}: {{Type: AWS::RDS::DBInstance, Properties: {{AllocatedStorage: '100'}}}}" for n in range(2)
)


@pytest.mark.parametrize(("used", "status"), [(38, "pass"), (39, "fail")])
def test_database_instances(used: int, status: str) -> None:
    quotas = [
        {"AccountQuotaName": "DBInstances", "Used": used, "Max": 40},
        {"AccountQuotaName": "AllocatedStorage", "Used": 0, "Max": 100000},
    ]
    cloud = Cloud().lacks().says("rds", "DescribeAccountAttributes", {"AccountQuotas": quotas})
    answers = cloud.ask("quota-rds", assembly(stack(DATABASES)))
    assert said(answers) == [("pass", f"{HOME} AllocatedStorage"), (status, f"{HOME} DBInstances")]
    assert answers[0].detail.startswith("200 GiB needed")


@pytest.mark.parametrize(("roles", "status"), [(999, "pass"), (1000, "fail")])
def test_iam_roles(roles: int, status: str) -> None:
    cloud = Cloud().lacks().says("iam", "GetAccountSummary", {"SummaryMap": {"Roles": roles, "RolesQuota": 1000}})
    answers = cloud.ask("quota-iam", assembly(stack("R: {Type: AWS::IAM::Role}\nU: {Type: AWS::IAM::User}")))
    assert said(answers) == [(status, "Roles"), ("unchecked", "Users")]


@pytest.mark.parametrize(("there", "status"), [(9, "pass"), (10, "fail")])
def test_log_resource_policies(there: int, status: str) -> None:
    policies = [{"policyName": f"p{n}", "policyDocument": "{}"} for n in range(there)]
    cloud = Cloud().lacks().says("logs", "DescribeResourcePolicies", {"resourcePolicies": policies})
    answers = cloud.ask("quota-log-policies", assembly(stack("P: {Type: AWS::Logs::ResourcePolicy}")))
    assert said(answers) == [(status, HOME)]


METRIC = {
    "MetricNamespace": "AWS/Usage",
    "MetricName": "ResourceCount",
    "MetricDimensions": {"Class": "Standard/OnDemand", "Resource": "vCPU", "Service": "Fargate", "Type": "Resource"},
}
SERVICE = """
Task: {Type: AWS::ECS::TaskDefinition, Properties: {Cpu: '1024'}}
Service:
  Type: AWS::ECS::Service
  Properties:
    TaskDefinition: !Ref Task
    %s
Scaling:
  Type: AWS::ApplicationAutoScaling::ScalableTarget
  Properties:
    ServiceNamespace: ecs
    MaxCapacity: 6
    ResourceId: {'Fn::Sub': 'service/cluster/${Service.Name}'}
"""


def service(properties: str, *, count: int = 6) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!Ref", lambda loader, node: {"Ref": loader.construct_scalar(node)})
    written = yaml.load(SERVICE % properties, Loader)  # noqa: S506 - a SafeLoader with one more tag
    written["Scaling"]["Properties"]["MaxCapacity"] = count
    return assembly(stack(yaml.safe_dump(written)))


@pytest.mark.parametrize(
    ("properties", "vcpus"),
    [
        ("LaunchType: FARGATE", 12),  # a rolling deployment runs up to twice the tasks unless told otherwise
        ("LaunchType: FARGATE\n    DeploymentConfiguration: {MaximumPercent: 150}", 9),
        ("LaunchType: FARGATE\n    DeploymentConfiguration: {MaximumPercent: 100, Strategy: CANARY}", 12),
        ("LaunchType: FARGATE\n    DeploymentConfiguration: {MaximumPercent: 100, Strategy: BLUE_GREEN}", 12),
    ],
)
def test_fargate_needs_both_colours(properties: str, vcpus: int) -> None:
    def ask(limit: float) -> list:
        return quota(Cloud(), limit).lacks().ask("quota-fargate", service(properties))

    assert f"{vcpus} vCPUs needed" in passes(ask(vcpus)).detail
    answer = fails(ask(vcpus - 1))
    assert f"L-3032A538 --desired-value {vcpus}" in answer.remedy
    assert "rollout" in answer.detail


def test_fargate_spot_has_a_quota_of_its_own() -> None:
    on_demand, spot = "{CapacityProvider: FARGATE, Base: 2, Weight: 0}", "{CapacityProvider: FARGATE_SPOT, Weight: 1}"
    strategy = f"CapacityProviderStrategy: [{on_demand}, {spot}]"
    cloud = quota(quota(Cloud(), 4), 7).lacks()
    answers = cloud.ask("quota-fargate", service(strategy))
    assert said(answers) == [("pass", f"{HOME} FARGATE"), ("fail", f"{HOME} FARGATE_SPOT")]
    assert answers[1].detail.startswith("8 vCPUs needed, 7 available")


def test_what_else_runs_on_fargate_counts_and_what_the_services_run_counts_once() -> None:
    arn = f"arn:aws:ecs:{HOME}:{NUMBER}:service/cluster/web"
    cloud = quota(Cloud(), 20, metric=METRIC).has(Service=arn)
    cloud.says(
        "cloudwatch",
        "GetMetricStatistics",
        {"Datapoints": [{"Maximum": 5.0}, {"Maximum": 11.0}]},
    )
    running = {"services": [{"serviceArn": arn, "runningCount": 3}]}
    cloud.says("ecs", "DescribeServices", running, given={"cluster": "cluster", "services": [arn]})
    answer = fails(cloud.ask("quota-fargate", service("LaunchType: FARGATE", count=7)))
    assert answer.detail.startswith("14 vCPUs needed, 12 available (8 of 20 in use)")


def test_a_service_on_ec2_needs_no_fargate() -> None:
    assert Cloud().ask("quota-fargate", service("LaunchType: EC2")) == []


def test_a_service_whose_count_only_the_deployment_knows() -> None:
    asked = service("LaunchType: FARGATE")
    asked.stacks[0].template["Resources"]["Scaling"]["Properties"]["MaxCapacity"] = {"Fn::ImportValue": "Max"}
    unchecked(Cloud().ask("quota-fargate", asked))


def group(rules: int, more: str = "") -> str:
    listed = ", ".join(f"{{IpProtocol: tcp, CidrIp: 192.0.2.{n}/32}}" for n in range(rules))
    return f"G: {{Type: AWS::EC2::SecurityGroup, Properties: {{SecurityGroupIngress: [{listed}]}}}}\n{more}"


@pytest.mark.parametrize(("rules", "status"), [(60, "pass"), (61, "fail")])
def test_rules_of_a_security_group(rules: int, status: str) -> None:
    answers = quota(Cloud(), 60).ask("quota-security-groups", assembly(stack(group(rules))))
    assert [found for found, _ in said(answers)] == [status]
    assert f"{rules} " in answers[0].detail


def test_a_prefix_list_weighs_more_than_one_rule() -> None:
    more = """
I:
  Type: AWS::EC2::SecurityGroupIngress
  Properties: {GroupId: {'Fn::GetAtt': [G, GroupId]}, IpProtocol: tcp, SourcePrefixListId: pl-3b927c52}
"""
    lists = {
        "PrefixLists": [
            {"PrefixListId": "pl-3b927c52", "PrefixListName": "com.amazonaws.global.cloudfront.origin-facing"}
        ]
    }

    def ask(rules: int) -> list:
        cloud = quota(Cloud(), 60).says("ec2", "DescribeManagedPrefixLists", lists)
        return cloud.ask("quota-security-groups", assembly(stack(group(rules, more))))

    passes(ask(5))
    assert fails(ask(6)).detail == "61 inbound rules of 60"


def test_rules_that_a_shared_group_has_already() -> None:
    rule = "{GroupId: sg-0123, IpProtocol: tcp, CidrIp: 192.0.2.1/32}"
    more = f"I: {{Type: AWS::EC2::SecurityGroupIngress, Properties: {rule}}}"
    there = [{"SecurityGroupRuleId": f"sgr-{n}", "IsEgress": n == 0} for n in range(61)]
    cloud = quota(Cloud(), 60)
    cloud.says("ec2", "DescribeSecurityGroupRules", {"SecurityGroupRules": there[:30], "NextToken": "t"})
    cloud.says("ec2", "DescribeSecurityGroupRules", {"SecurityGroupRules": there[30:]})
    answer = fails(cloud.ask("quota-security-groups", assembly(stack(more))))
    assert answer.detail == "61 inbound rules of 60, 60 of them in the account already"
