"""The image that a pipeline has built is named by its digest, or refused."""

from __future__ import annotations

import json

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecs as ecs

from infra.application_image import application_image
from infra.config import ConfigurationError

IMAGE = f"111111111111.dkr.ecr.us-east-1.amazonaws.com/spendsmart@sha256:{'a' * 64}"


def template(image: str) -> str:
    app = cdk.App(context={"image": image}, builtin_cloud_formation_validation=False)
    stack = cdk.Stack(app, "Stack", env=cdk.Environment(account="222222222222", region="us-east-1"))
    task = ecs.FargateTaskDefinition(stack, "Task")
    task.add_container("web", image=application_image(stack, "Image", architecture="arm64").image)
    return json.dumps(app.synth().get_stack_by_name("Stack").template)


def test_tasks_run_the_named_image_of_the_other_account_and_may_pull_that_alone() -> None:
    text = template(IMAGE)
    assert f"/spendsmart@sha256:{'a' * 64}" in text
    assert "container-assets" not in text
    assert "111111111111:repository/spendsmart" in text


@pytest.mark.parametrize(
    "image", ["", "python:3.11", IMAGE.partition("@")[0] + ":latest", IMAGE[:-1], IMAGE.replace(".ecr.", ".registry.")]
)
def test_an_image_that_could_change_is_refused(image: str) -> None:
    with pytest.raises(ConfigurationError, match="by its digest"):
        template(image)
