"""The application's container image, built from `app_src/` when it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from constructs import Construct

_SOURCE = Path(__file__).resolve().parent.parent / "app_src"


def application_image(
    scope: Construct, construct_id: str, *, architecture: Literal["arm64", "x86_64"]
) -> ecs.ContainerImage:
    """The image for all containers; `app_src/.dockerignore` says what is neither in it nor in its hash."""
    arm = architecture == "arm64"
    asset = ecr_assets.DockerImageAsset(
        scope,
        construct_id,
        directory=str(_SOURCE),
        asset_name="spendsmart",
        platform=ecr_assets.Platform.LINUX_ARM64 if arm else ecr_assets.Platform.LINUX_AMD64,
    )
    return ecs.ContainerImage.from_docker_image_asset(asset)
