"""CodeBuild: images, compute and privileges that fit each other, a way out of the VPC, sources and artifacts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.routes import way_out
from preflight.values import Node, boolean, entries, integer, is_unknown, number, target, text

PROJECT = ("AWS::CodeBuild::Project",)
ENVIRONMENT_SOURCE = "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html"
SOURCE_SOURCE = "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectSource.html"
ARTIFACTS_SOURCE = "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectArtifacts.html"

LAMBDA_TYPES = {"LINUX_LAMBDA_CONTAINER", "ARM_LAMBDA_CONTAINER"}
# Verbs of the docker command that talk to the daemon, wherever it stands in a line of shell.
DOCKER = re.compile(
    r"(?:^|[\s;&|(`\"'])docker(?:-compose\s|\s+(?:-\S+\s+)*(?:image\s+|container\s+|compose\s+|buildx\s+)?"
    r"(?:build|push|pull|run|tag|load|save|up)\b)",
    re.MULTILINE,
)
# A build that waits for a deployment ends with it.
WAITING = re.compile(
    r"\bcdk\s+deploy\b|cloudformation\s+(?:deploy|wait)\b|ecs\s+wait\s+services-stable|\bsam\s+deploy\b"
)


def curated_kinds(image: str) -> set[str] | None:
    """The environment types that an image of CodeBuild's own runs in; None for images of other makers."""
    if not image.startswith("aws/codebuild/"):
        return None
    name = image.removeprefix("aws/codebuild/")
    arm = "aarch64" in name
    if "-lambda-" in name:
        return {"ARM_LAMBDA_CONTAINER"} if arm else {"LINUX_LAMBDA_CONTAINER"}
    if name.startswith(("windows", "server-")):
        return set(WINDOWS_TYPES)
    if name.startswith("macos"):
        return {"MAC_ARM"}
    if arm:
        return {"ARM_CONTAINER", "ARM_EC2"}
    return {"LINUX_CONTAINER", "LINUX_GPU_CONTAINER", "LINUX_EC2"}


WINDOWS_TYPES = {"WINDOWS_CONTAINER", "WINDOWS_SERVER_2019_CONTAINER", "WINDOWS_SERVER_2022_CONTAINER", "WINDOWS_EC2"}


def buildspec(project: Resource) -> str:
    """The commands that stand in the template, as far as they are known; empty where the source brings them."""
    value = project.get("Source", "BuildSpec").value
    return value if isinstance(value, str) else getattr(value, "literal", "")


@rule(
    "PIPE-122",
    constraint=122,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A build's image is made for the type of its environment",
    otherwise="CodeBuild answers that the curated image is not supported for projects with that environment type.",
    remedy="ARM_CONTAINER takes an aarch64 image, LINUX_CONTAINER an x86-64 one, Lambda compute a lambda one.",
    source="https://github.com/aws/copilot-cli/issues/3110",
    types=PROJECT,
)
def image_of_the_environment(project: Resource) -> Iterator[Fault]:
    kind = text(project.get("Environment", "Type"))
    image = text(project.get("Environment", "Image"))
    kinds = curated_kinds(image) if image is not None else None
    if kind is not None and kinds is not None and kind not in kinds and not has_fleet(project):
        yield Fault(at="Environment.Image", message=f"the image {image} in an environment of type {kind}")


def has_fleet(project: Resource) -> bool:
    """With a fleet the project's own environment type is ignored."""
    return not project.get("Environment", "Fleet").absent


@rule(
    "PIPE-122b",
    constraint=122,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="A build that uses Docker is privileged",
    otherwise="The project deploys, and each build fails: it cannot connect to the Docker daemon.",
    remedy="Set Environment.PrivilegedMode to true, or give the project a DockerServer.",
    source=ENVIRONMENT_SOURCE,
    types=PROJECT,
)
def docker_without_privileges(project: Resource) -> Iterator[Fault]:
    environment = project.get("Environment")
    if not environment.get("DockerServer").absent or has_fleet(project) or is_unknown(environment):
        return
    # CodeBuild's first images with Docker had it on by themselves.
    if (text(environment.get("Image")) or "").startswith("aws/codebuild/docker:"):
        return
    mode = environment.get("PrivilegedMode")
    if boolean(mode) is False or mode.absent:
        found = DOCKER.search(buildspec(project))
        if found:
            command = found.group().strip(" \t\n;&|(`\"'")
            yield Fault(at="Environment.PrivilegedMode", message=f"the buildspec runs “{command}” unprivileged")


@rule(
    "PIPE-122c",
    constraint=122,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="A build in a VPC has a way out that is not an internet gateway",
    otherwise="CodeBuild's network interface has no public address: the build cannot fetch its source or write logs.",
    remedy="Use subnets that route through a NAT gateway, or add the interface endpoints that the build needs.",
    source="https://docs.aws.amazon.com/codebuild/latest/userguide/vpc-support.html",
    types=PROJECT,
    lacks=(
        "AWS::EC2::Route",
        "AWS::EC2::VPCEndpoint",
    ),
)
def build_without_a_way_out(project: Resource) -> Iterator[Fault]:
    for subnet in entries(project.get("VpcConfig", "Subnets")):
        resource = target(subnet, "AWS::EC2::Subnet")
        if resource is not None and way_out(resource) is False:
            yield Fault(at=str(subnet), message=f"{resource.construct_path} has no route through a NAT gateway")


@rule(
    "PIPE-122d",
    constraint=122,
    severity=Severity.OUTAGE,
    confidence=Confidence.BELIEVED,
    title="A build that waits for a deployment has more time than the deployment's bake times",
    otherwise="The build times out in the middle of the canary: the pipeline fails, the deployment goes on.",
    remedy="Raise TimeoutInMinutes (60 by default, 2160 at most) above the sum of the bake times.",
    source="https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html",
    types=PROJECT,
)
def build_shorter_than_the_canary(project: Resource) -> Iterator[Fault]:
    node = project.get("TimeoutInMinutes")
    limit = 60 if node.absent else integer(node)
    if limit is None or not WAITING.search(buildspec(project)):
        return
    for service in project.stack.assembly.of_type("AWS::ECS::Service"):
        minutes = bake_minutes(service.get("DeploymentConfiguration"))
        if minutes >= limit:
            message = f"{limit} min, and a deployment of {service.construct_path} bakes for {minutes:g} min"
            yield Fault(at="TimeoutInMinutes", message=message)


def bake_minutes(deployment: Node) -> float:
    """How long a deployment takes at least, by what is written; the service's defaults are not counted."""
    total = number(deployment.get("BakeTimeInMinutes")) or 0
    total += number(deployment.get("CanaryConfiguration", "CanaryBakeTimeInMinutes")) or 0
    linear = deployment.get("LinearConfiguration")
    step, pause = number(linear.get("StepPercent")), number(linear.get("StepBakeTimeInMinutes"))
    if step and pause:
        total += (100 / step - 1) * pause
    return total


@rule(
    "PIPE-122e",
    constraint=122,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A build's compute type belongs to the type of its environment",
    otherwise="CodeBuild answers that the compute type is not valid, or not supported, for the environment.",
    remedy="BUILD_LAMBDA_* goes with LINUX_LAMBDA_CONTAINER and ARM_LAMBDA_CONTAINER only, and they with nothing else.",
    source=ENVIRONMENT_SOURCE,
    types=PROJECT,
)
def compute_of_the_environment(project: Resource) -> Iterator[Fault]:
    environment = project.get("Environment")
    kind, compute = text(environment.get("Type")), text(environment.get("ComputeType"))
    if kind is None or compute is None or has_fleet(project):
        return
    if (kind in LAMBDA_TYPES) != compute.startswith("BUILD_LAMBDA_"):
        yield Fault(at="Environment.ComputeType", message=f"{compute} in an environment of type {kind}")
    if compute == "ATTRIBUTE_BASED_COMPUTE" and environment.get("ComputeConfiguration").absent:
        yield Fault(at="Environment.ComputeType", message=f"{compute} without ComputeConfiguration")


@rule(
    "PIPE-122f",
    constraint=122,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="Privileged mode stands where Docker can run, and where a file system is mounted",
    otherwise="CodeBuild refuses the project.",
    remedy="Leave PrivilegedMode away on Lambda and Windows; set it with FileSystemLocations.",
    source="https://github.com/badmintoncryer/cdk-preflight",
    types=PROJECT,
)
def place_of_privileged_mode(project: Resource) -> Iterator[Fault]:
    environment = project.get("Environment")
    kind, mode = text(environment.get("Type")), environment.get("PrivilegedMode")
    if boolean(mode) and kind in LAMBDA_TYPES | WINDOWS_TYPES:
        yield Fault(at=str(mode), message=f"privileged mode in an environment of type {kind}")
    mounts = project.get("FileSystemLocations")
    if entries(mounts) and (mode.absent or boolean(mode) is False) and not is_unknown(environment):
        yield Fault(at=str(mounts), message="mounts a file system without privileged mode")


@rule(
    "PIPE-211",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A build's source and artifacts have what their type asks for",
    otherwise="CodeBuild refuses the project.",
    remedy="CODEPIPELINE stands on both sides or on none; other sources and S3 artifacts need a Location; NO_SOURCE "
    "needs a buildspec.",
    source=SOURCE_SOURCE,
    types=PROJECT,
)
def source_and_artifacts(project: Resource) -> Iterator[Fault]:
    source, artifacts = project.get("Source"), project.get("Artifacts")
    origin, result = text(source.get("Type")), text(artifacts.get("Type"))
    if origin is not None and result is not None and (origin == "CODEPIPELINE") != (result == "CODEPIPELINE"):
        yield Fault(at="Artifacts.Type", message=f"a source of type {origin} with artifacts of type {result}")
    for node in [source, *entries(project.get("SecondarySources"))]:
        kind = text(node.get("Type"))
        if kind not in {"CODEPIPELINE", "NO_SOURCE", None} and node.get("Location").absent:
            yield Fault(at=str(node), message=f"a source of type {kind} without a Location")
        if kind == "NO_SOURCE" and node.get("BuildSpec").absent:
            yield Fault(at=str(node), message="a source of type NO_SOURCE without a buildspec")
    for node in [artifacts, *entries(project.get("SecondaryArtifacts"))]:
        if text(node.get("Type")) == "S3" and node.get("Location").absent:
            yield Fault(at=str(node), message="artifacts of type S3 without a Location")
    for node in entries(project.get("SecondaryArtifacts")):
        if text(node.get("Type")) == "CODEPIPELINE":
            yield Fault(at=node.path("Type"), message="secondary artifacts of type CODEPIPELINE")


@rule(
    "PIPE-212",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A build asks of its source and artifacts only what their type can do",
    otherwise="CodeBuild answers InvalidInputException and refuses the project.",
    remedy="Report the build status to git hosts only, leave badges away from pipelines and S3, and switch encryption "
    "off for S3 artifacts only.",
    source=ARTIFACTS_SOURCE,
    types=PROJECT,
)
def features_of_source_and_artifacts(project: Resource) -> Iterator[Fault]:
    origin = text(project.get("Source", "Type"))
    if boolean(project.get("Source", "ReportBuildStatus")) and origin in {
        "CODEPIPELINE",
        "S3",
        "CODECOMMIT",
        "NO_SOURCE",
    }:
        yield Fault(at="Source.ReportBuildStatus", message=f"reports the build status to a source of type {origin}")
    if boolean(project.get("BadgeEnabled")) and origin in {"CODEPIPELINE", "S3"}:
        yield Fault(at="BadgeEnabled", message=f"a badge for a source of type {origin}")
    artifacts = project.get("Artifacts")
    if boolean(artifacts.get("EncryptionDisabled")) and text(artifacts.get("Type")) == "NO_ARTIFACTS":
        yield Fault(at="Artifacts.EncryptionDisabled", message="switches off the encryption of no artifacts")


@rule(
    "PIPE-213",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="CodeBuild pulls its own images with its own credentials; a fleet brings its own network",
    otherwise="CodeBuild refuses the project.",
    remedy="Use the pull credentials CODEBUILD for aws/codebuild images; leave VpcConfig away where a fleet is used.",
    source=ENVIRONMENT_SOURCE,
    types=PROJECT,
)
def credentials_and_network(project: Resource) -> Iterator[Fault]:
    environment = project.get("Environment")
    image = text(environment.get("Image"))
    credentials = environment.get("ImagePullCredentialsType")
    if image is not None and image.startswith("aws/codebuild/") and text(credentials) == "SERVICE_ROLE":
        yield Fault(at=str(credentials), message=f"{image} pulled with the credentials of the service role")
    if not environment.get("Fleet", "FleetArn").absent and not project.get("VpcConfig").absent:
        yield Fault(at="VpcConfig", message="a network of its own beside that of the fleet")
    groups = entries(project.get("VpcConfig", "SecurityGroupIds"))
    if len(groups) > 5:
        yield Fault(at="VpcConfig.SecurityGroupIds", message=f"{len(groups)} security groups, 5 is the most")


@rule(
    "PIPE-214",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A build's environment variables have names of their own that are not reserved",
    otherwise="CodeBuild refuses the project.",
    remedy="Name each variable once, and not CODEBUILD_….",
    source="https://github.com/badmintoncryer/cdk-preflight",
    types=PROJECT,
)
def variable_names(project: Resource) -> Iterator[Fault]:
    seen: set[str] = set()
    for variable in entries(project.get("Environment", "EnvironmentVariables")):
        name = text(variable.get("Name"))
        if name is None:
            continue
        if name.startswith("CODEBUILD_"):
            yield Fault(at=variable.path("Name"), message=f"the name {name} is reserved")
        if name in seen:
            yield Fault(at=variable.path("Name"), message=f"{name} stands there twice")
        seen.add(name)
