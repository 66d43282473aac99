"""The application's container image: built from `app_src/` when it changes, or the one that a pipeline has built."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from infra.config import ConfigurationError

CONTEXT = "image"
"""Context value naming an image that exists: `-c image=<account>.dkr.ecr.<region>.amazonaws.com/<name>@sha256:…`."""

_SOURCE = Path(__file__).resolve().parent.parent / "app_src"
_BY_DIGEST = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<name>[a-z0-9/._-]+)"
    r"@(?P<digest>sha256:[0-9a-f]{64})"
)


@dataclass(frozen=True, kw_only=True)
class ApplicationImage:
    """`release` names what is in the image: 64 hexadecimal digits of its content or of what it is built from."""

    image: ecs.ContainerImage
    release: str


def application_image(
    scope: Construct, construct_id: str, *, architecture: Literal["arm64", "x86_64"]
) -> ApplicationImage:
    """The image for all containers; `app_src/.dockerignore` says what is neither in it nor in its hash.

    Raises ConfigurationError when the context names an image that is not in ECR, or not by its digest.
    """
    named = scope.node.try_get_context(CONTEXT)
    if named is not None:
        return _released(scope, construct_id, str(named))
    arm = architecture == "arm64"
    asset = ecr_assets.DockerImageAsset(
        scope,
        construct_id,
        directory=str(_SOURCE),
        asset_name="spendsmart",
        platform=ecr_assets.Platform.LINUX_ARM64 if arm else ecr_assets.Platform.LINUX_AMD64,
    )
    return ApplicationImage(image=ecs.ContainerImage.from_docker_image_asset(asset), release=asset.asset_hash)


def _released(scope: Construct, construct_id: str, named: str) -> ApplicationImage:
    """An image of the release repository: a digest is the same bytes in every environment, a tag need not be."""
    found = _BY_DIGEST.fullmatch(named)
    if found is None:
        raise ConfigurationError(
            f"{CONTEXT} = {named!r}: not an image in ECR by its digest\n"
            "      accepted: <account>.dkr.ecr.<region>.amazonaws.com/<name>@sha256:<64 hexadecimal digits>"
        )
    arn = cdk.Stack.of(scope).format_arn(
        service="ecr",
        account=found["account"],
        region=found["region"],
        resource="repository",
        resource_name=found["name"],
    )
    repository = ecr.Repository.from_repository_attributes(
        scope, construct_id, repository_arn=arn, repository_name=found["name"]
    )
    image = ecs.ContainerImage.from_ecr_repository(repository, found["digest"])
    return ApplicationImage(image=image, release=found["digest"].removeprefix("sha256:"))
