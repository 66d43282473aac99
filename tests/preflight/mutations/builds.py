"""Builds that prod does not have yet, each with one fault."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants

ARM = "aws/codebuild/amazonlinux-aarch64-standard:3.0"
DOCKER = "phases:\n  build:\n    commands:\n      - cd app_src && docker buildx build --platform linux/arm64 -t app .\n"


def build(prod: Prod, environment: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    """A sound arm64 build in the Service stack, with `environment` and `properties` over its own."""
    machine = {"Type": "ARM_CONTAINER", "ComputeType": "BUILD_GENERAL1_SMALL", "Image": ARM}
    given = {
        "ServiceRole": "arn:aws:iam::111122223333:role/build",
        "Source": {"Type": "CODEPIPELINE"},
        "Artifacts": {"Type": "CODEPIPELINE"},
        "Environment": machine | (environment or {}),
    }
    return prod.add("Service", "Build", {"Type": "AWS::CodeBuild::Project", "Properties": given | properties})


@plants("PIPE-122", constraint=122)
def an_arm_build_with_an_x86_image(prod: Prod) -> str:
    return prod.path(build(prod, {"Image": "aws/codebuild/amazonlinux-x86_64-standard:5.0"}))


@plants("PIPE-122b", constraint=122)
def docker_without_privileged_mode(prod: Prod) -> str:
    return prod.path(build(prod, Source={"Type": "CODEPIPELINE", "BuildSpec": DOCKER}))


@plants("PIPE-122c", constraint=122)
def a_build_in_the_isolated_subnets(prod: Prod) -> str:
    for logical_id, resource in list(prod.template("Network")["Resources"].items()):
        if resource["Type"] == "AWS::EC2::VPCEndpoint":
            del prod.template("Network")["Resources"][logical_id]
    subnet = prod.resource("Network", "AWS::EC2::Subnet", path="solated")
    network = {"VpcId": subnet["Properties"]["VpcId"], "Subnets": [{"Ref": prod.logical_id(subnet)}]}
    machine = {"Type": "ARM_CONTAINER", "ComputeType": "BUILD_GENERAL1_SMALL", "Image": ARM}
    properties = {
        "ServiceRole": "arn:aws:iam::111122223333:role/build",
        "Source": {"Type": "CODEPIPELINE"},
        "Artifacts": {"Type": "CODEPIPELINE"},
        "Environment": machine,
        "VpcConfig": {**network, "SecurityGroupIds": ["sg-01234567"]},
    }
    return prod.path(prod.add("Network", "Build", {"Type": "AWS::CodeBuild::Project", "Properties": properties}))


@plants("PIPE-122d", constraint=122)
def a_deploy_that_ends_before_its_canary(prod: Prod) -> str:
    service = prod.resource("Service", "AWS::ECS::Service", path="Web")
    canary = {"CanaryPercent": 10, "CanaryBakeTimeInMinutes": 60}
    service["Properties"]["DeploymentConfiguration"] = {"Strategy": "CANARY", "CanaryConfiguration": canary}
    return prod.path(build(prod, Source={"Type": "CODEPIPELINE", "BuildSpec": "npx cdk deploy --all -c env=prod"}))


@plants("PIPE-122e", constraint=122)
def lambda_compute_in_a_container(prod: Prod) -> str:
    return prod.path(build(prod, {"ComputeType": "BUILD_LAMBDA_2GB"}))


@plants("PIPE-122f", constraint=122)
def a_file_system_without_privileged_mode(prod: Prod) -> str:
    mount = {
        "Type": "EFS",
        "Identifier": "cache",
        "Location": "fs-1.efs.us-east-1.amazonaws.com:/",
        "MountPoint": "/cache",
    }
    return prod.path(build(prod, FileSystemLocations=[mount]))


@plants("PIPE-211")
def a_pipelines_build_that_keeps_its_artifacts(prod: Prod) -> str:
    return prod.path(build(prod, Artifacts={"Type": "NO_ARTIFACTS"}))


@plants("PIPE-212")
def a_badge_on_a_pipelines_build(prod: Prod) -> str:
    return prod.path(build(prod, BadgeEnabled=True))


@plants("PIPE-213")
def a_curated_image_pulled_by_the_role(prod: Prod) -> str:
    return prod.path(build(prod, {"ImagePullCredentialsType": "SERVICE_ROLE"}))


@plants("PIPE-214")
def a_variable_set_twice(prod: Prod) -> str:
    variables = [{"Name": "STAGE", "Value": "prod"}, {"Name": "STAGE", "Value": "dr"}]
    return prod.path(build(prod, {"EnvironmentVariables": variables}))


@plants("PIPE-215")
def a_local_cache_of_nothing(prod: Prod) -> str:
    return prod.path(build(prod, Cache={"Type": "LOCAL"}))


@plants("PIPE-216")
def two_secondary_sources_of_one_name(prod: Prod) -> str:
    source = {"Type": "GITHUB", "Location": "https://github.com/spend/smart", "SourceIdentifier": "tools"}
    return prod.path(build(prod, SecondarySources=[source, source]))
