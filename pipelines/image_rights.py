"""Rights of steps that read or write images in ECR."""

from __future__ import annotations

from aws_cdk import aws_iam as iam

from pipelines.acknowledgement import acknowledge
from pipelines.builds import Build

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
PUSH = ("ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart")


def log_in_to_ecr() -> iam.PolicyStatement:
    """A build that has it is to be handed to `acknowledge_login`."""
    return iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"])


def acknowledge_login(build: Build) -> None:
    acknowledge(build, "IAM5[Resource::*]", "ecr:GetAuthorizationToken knows no resources; what it opens is listed")


def platform_of(cpu_architecture: str) -> str:
    """What Docker calls an architecture of Fargate's."""
    return "linux/arm64" if cpu_architecture == "arm64" else "linux/amd64"
