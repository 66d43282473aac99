"""Rights of steps that read or write images in ECR."""

from __future__ import annotations

from datetime import date

from aws_cdk import aws_iam as iam

from infra.acknowledgement import Decision

LOGIN = Decision(
    reason="ecr:GetAuthorizationToken knows no resources (Service Authorization Reference): the token opens only"
    " the repositories that the other statements name",
    owner="platform",
    reference="docs/pipeline.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
PUSH = ("ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart")


def log_in_to_ecr() -> iam.PolicyStatement:
    """The wildcard of a build that has it is explained by `LOGIN`."""
    return iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"])


def platform_of(cpu_architecture: str) -> str:
    """What Docker calls an architecture of Fargate's."""
    return "linux/arm64" if cpu_architecture == "arm64" else "linux/amd64"
