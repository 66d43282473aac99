"""Identity, regions, zones, bootstrap and its trust, service-linked roles, the states of stacks."""

from __future__ import annotations

import pytest

from preflight.assembly import Stack
from tests.preflight.account.cloud import HOME, NUMBER, WEST, Cloud, assembly, fails, passes, said, stack, unchecked

TOPIC = "T: {Type: AWS::SNS::Topic}"


@pytest.mark.parametrize("account", [NUMBER, None])
def test_credentials_of_the_right_account(account: str | None) -> None:
    assert NUMBER in passes(Cloud().ask("identity", assembly(stack(TOPIC, account=account)))).detail


def test_credentials_of_another_account() -> None:
    answer = fails(Cloud().ask("identity", assembly(stack(TOPIC, account="999999999999"))))
    assert "999999999999" in answer.detail


def test_stacks_of_a_second_account_are_told_apart() -> None:
    both = assembly(stack(TOPIC, account=NUMBER), stack(TOPIC, name="Tools", account="999999999999"))
    assert said(Cloud().ask("identity", both)) == [("pass", NUMBER), ("unchecked", "999999999999")]


def test_a_stack_without_an_account_goes_into_the_caller_s() -> None:
    both = assembly(stack(TOPIC), stack(TOPIC, name="Tools", account="999999999999"))
    assert said(Cloud().ask("identity", both)) == [("pass", NUMBER), ("unchecked", "999999999999")]


def test_a_stack_without_a_region_goes_to_the_default_one() -> None:
    floating = assembly(stack(TOPIC, region=None))
    assert "AWS_REGION" in unchecked(Cloud().ask("identity", floating)).detail
    passes(Cloud().ask("identity", floating, default_region=WEST))


def test_regions() -> None:
    cloud = Cloud().says(
        "ec2",
        "DescribeRegions",
        {
            "Regions": [
                {"RegionName": HOME, "OptInStatus": "opt-in-not-required"},
                {"RegionName": "af-south-1", "OptInStatus": "not-opted-in"},
            ]
        },
        region="af-south-1",
        given={"AllRegions": True},
    )
    asked = assembly(*(stack(TOPIC, name=region, region=region) for region in ("af-south-1", HOME, "eu-west-9")))
    answers = cloud.ask("region", asked)
    assert said(answers) == [("fail", "af-south-1"), ("fail", "eu-west-9"), ("pass", HOME)]
    assert "enable-region" in answers[0].remedy


SUBNETS = """
A: {Type: AWS::EC2::Subnet, Properties: {AvailabilityZone: us-east-1a}}
F: {Type: AWS::EC2::Subnet, Properties: {AvailabilityZone: us-east-1%s}}
"""


def zones(*names: str) -> dict[str, object]:
    return {"AvailabilityZones": [{"ZoneName": name, "State": "available"} for name in names]}


def test_zones() -> None:
    def ask(letter: str) -> list:
        cloud = Cloud().says("ec2", "DescribeAvailabilityZones", zones("us-east-1a", "us-east-1b"))
        return cloud.ask("zones", assembly(stack(SUBNETS % letter)))

    passes(ask("b"))
    assert fails(ask("f")).detail.startswith("us-east-1f ")


def bootstrapped(name: str = "App", region: str = HOME, qualifier: str = "hnb659fds", needs: int = 6) -> Stack:
    made = stack(TOPIC, name=name, region=region)
    parameter = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": f"/cdk-bootstrap/{qualifier}/version"}
    too_old = [str(version) for version in range(1, needs)]
    made.template["Parameters"] = {"BootstrapVersion": parameter}
    rule = {"Assert": {"Fn::Not": [{"Fn::Contains": [too_old, {"Ref": "BootstrapVersion"}]}]}}
    made.template["Rules"] = {"CheckBootstrapVersion": {"Assertions": [rule]}}
    return made


def role(trusted: str = NUMBER) -> dict[str, object]:
    document = (
        '{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::%s:root"}, "Action": "sts:AssumeRole"}]}'
    )
    return {
        "Role": {
            "Path": "/",
            "RoleName": "r",
            "RoleId": "AROA0123456789012345",
            "Arn": f"arn:aws:iam::{NUMBER}:role/r-name-long-enough",
            "CreateDate": 0,
            "AssumeRolePolicyDocument": document % trusted,
        }
    }


def toolkit(cloud: Cloud, *, region: str = HOME, version: str = "33", status: str = "CREATE_COMPLETE") -> Cloud:
    cloud.says("ssm", "GetParameter", {"Parameter": {"Value": version}}, region=region)
    cloud.says("s3", "HeadBucket", {}, region=region, given={"Bucket": f"cdk-hnb659fds-assets-{NUMBER}-{region}"})
    for _ in range(5):
        cloud.says("iam", "GetRole", role(), region=region)
    described = {"Stacks": [{"StackName": "CDKToolkit", "CreationTime": 0, "StackStatus": status}]}
    return cloud.says("cloudformation", "DescribeStacks", described, region=region)


def test_bootstrap_in_two_regions() -> None:
    cloud = toolkit(Cloud())
    cloud.refuses("ssm", "GetParameter", "ParameterNotFound", region=WEST)
    answers = cloud.ask("bootstrap", assembly(bootstrapped(), bootstrapped("West", WEST)))
    assert said(answers) == [("pass", HOME), ("fail", WEST)]
    assert answers[1].remedy == f"npx cdk bootstrap aws://{NUMBER}/{WEST}"


@pytest.mark.parametrize(("version", "needs", "status"), [("21", 6, "pass"), ("20", 6, "fail"), ("30", 31, "fail")])
def test_bootstrap_version(version: str, needs: int, status: str) -> None:
    cloud = Cloud()
    if int(version) < needs:
        cloud.says("ssm", "GetParameter", {"Parameter": {"Value": version}})
    else:
        toolkit(cloud, version=version)
    assert said(cloud.ask("bootstrap", assembly(bootstrapped(needs=needs)))) == [(status, HOME)]


def test_bootstrap_that_somebody_tidied_up() -> None:
    cloud = Cloud().says("ssm", "GetParameter", {"Parameter": {"Value": "33"}})
    cloud.refuses("s3", "HeadBucket", "404", status=404)
    for _ in range(5):
        cloud.refuses("iam", "GetRole", "NoSuchEntity")
    cloud.says(
        "cloudformation",
        "DescribeStacks",
        {"Stacks": [{"StackName": "CDKToolkit", "CreationTime": 0, "StackStatus": "UPDATE_ROLLBACK_FAILED"}]},
    )
    answers = cloud.ask("bootstrap", assembly(bootstrapped()))
    assert [status for status, _ in said(answers)] == ["pass", "fail", "fail", "fail"]
    assert "bucket" in answers[1].detail
    assert f"cdk-hnb659fds-deploy-role-{NUMBER}-{HOME}" in answers[2].detail
    assert "continue-update-rollback" in answers[3].remedy


def test_trust_of_the_account_with_the_pipeline() -> None:
    tools = stack("P: {Type: AWS::CodePipeline::Pipeline}", name="Tools", account="999999999999")

    def ask(trusted: str) -> list:
        cloud = Cloud()
        for _ in range(3):
            cloud.says("iam", "GetRole", role(trusted))
        return cloud.ask("bootstrap-trust", assembly(bootstrapped(), tools))

    passes(ask("999999999999"))
    assert "--trust 999999999999" in fails(ask(NUMBER)).remedy


CLUSTER = """
C: {Type: AWS::ECS::Cluster}
S: {Type: AWS::ApplicationAutoScaling::ScalableTarget, Properties: {ServiceNamespace: ecs}}
"""


def test_service_linked_roles_on_several_pages() -> None:
    def page(name: str) -> dict[str, object]:
        listed = {**role()["Role"], "RoleName": name}  # type: ignore[dict-item]
        return {"Roles": [listed]}

    cloud = Cloud()
    cloud.says("iam", "ListRoles", {**page("AWSServiceRoleForSupport"), "IsTruncated": True, "Marker": "2"})
    cloud.says("iam", "ListRoles", page("AWSServiceRoleForECS"))
    answers = cloud.ask("service-linked-roles", assembly(stack(CLUSTER)))
    assert said(answers) == [
        ("fail", "AWSServiceRoleForApplicationAutoScaling_ECSService"),
        ("pass", "AWSServiceRoleForECS"),
    ]
    assert answers[0].remedy.endswith("--aws-service-name ecs.application-autoscaling.amazonaws.com")


@pytest.mark.parametrize(("options", "expected"), [("VPCOptions: {}", ["fail"]), ("", [])])
def test_a_search_domain_in_a_vpc(options: str, expected: list[str]) -> None:
    domain = assembly(stack(f"D: {{Type: AWS::OpenSearchService::Domain, Properties: {{{options}}}}}"))
    cloud = Cloud()
    if expected:
        cloud.says("iam", "ListRoles", {"Roles": []}, given={"PathPrefix": "/aws-service-role/"})
    assert [status for status, _ in said(cloud.ask("service-linked-roles", domain))] == expected


def test_no_service_linked_role_is_needed_for_a_topic() -> None:
    assert Cloud().ask("service-linked-roles", assembly(stack(TOPIC))) == []


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("CREATE_COMPLETE", "pass"),
        ("UPDATE_ROLLBACK_COMPLETE", "pass"),
        ("REVIEW_IN_PROGRESS", "pass"),
        ("ROLLBACK_COMPLETE", "fail"),
        ("UPDATE_ROLLBACK_FAILED", "fail"),
        ("UPDATE_IN_PROGRESS", "fail"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "fail"),
        ("DELETE_FAILED", "fail"),
    ],
)
def test_stack_state(state: str, status: str) -> None:
    described = {"Stacks": [{"StackName": "App", "CreationTime": 0, "StackStatus": state}]}
    cloud = Cloud().says("cloudformation", "DescribeStacks", described, given={"StackName": "App"})
    assert said(cloud.ask("stack-state", assembly(stack(TOPIC)))) == [(status, "App")]


def test_a_stack_that_is_not_there_yet_and_one_that_may_not_be_seen() -> None:
    cloud = Cloud().refuses("cloudformation", "DescribeStacks", "ValidationError", message="does not exist")
    cloud.refuses("cloudformation", "DescribeStacks", "AccessDenied", region=WEST)
    answers = cloud.ask("stack-state", assembly(stack(TOPIC), stack(TOPIC, name="West", region=WEST)))
    assert said(answers) == [("pass", "App"), ("unchecked", "West")]
    assert answers[1].detail == "the credentials may not call cloudformation:DescribeStacks in us-west-2"
