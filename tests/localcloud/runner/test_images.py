"""The stand-in for Docker, called as the CDK CLI calls it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from localcloud import aws, images, layout
from localcloud.docker_shim import for_this_machine

from .conftest import REGION, Stage

SHIM = str(layout.REPOSITORY / "localcloud" / "docker")
DOCKERFILE = """\
ARG BASE_IMAGE=python:3.11
FROM ${BASE_IMAGE} AS packages
ENV ONLY_HERE=1
CMD ["never"]

FROM ${BASE_IMAGE} AS runtime
ENV PATH=/opt/bin:$PATH \\
    # a comment among continued lines
    FLAVOUR="two words" UNBUFFERED=1
ENV OLD form of it
WORKDIR /app

FROM runtime AS built
RUN touch x
ENV BUILDING=1

FROM runtime
ENTRYPOINT ["tini", "--"]
CMD ["python", "main.py"]
"""


def shim(*arguments: str, folder: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SHIM, *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        input="password",
        capture_output=True,
        text=True,
    )


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "main.py").write_text("print('from the image')\n")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


def test_an_image_has_what_its_last_stage_and_that_ones_bases_set(home: Path, context: Path) -> None:
    image = images.build(context, dockerfile=context / "Dockerfile", tag="x")
    assert image.environment == {
        "PATH": "/opt/bin:$PATH",
        "FLAVOUR": "two words",
        "UNBUFFERED": "1",
        "OLD": "form of it",
    }
    assert image.entry_point == ("tini", "--")
    assert image.command == ("python", "main.py")


def test_a_build_leaves_the_folder_of_an_earlier_one_alone(home: Path, context: Path) -> None:
    first = images.build(context, dockerfile=context / "Dockerfile", tag="x:1")
    (context / "main.py").write_text("print('newer')\n")
    second = images.build(context, dockerfile=context / "Dockerfile", tag="x:1")
    assert "from the image" in (first.folder / "main.py").read_text()
    assert images.load("x:1") == second


def test_prune_keeps_what_is_in_use_and_its_other_names(home: Path, context: Path) -> None:
    kept = images.build(context, dockerfile=context / "Dockerfile", tag="cdkasset-1")
    images.tag("cdkasset-1", "repository:1")
    gone = images.build(context, dockerfile=context / "Dockerfile", tag="repository:2")
    assert images.prune(in_use={"1"}) == ["2", "cdkasset-1"]
    assert images.load("elsewhere/repository:1") == kept
    assert kept.folder.is_dir()
    assert not gone.folder.exists()


def test_a_real_docker_builds_for_this_machine_from_the_base_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["build", "--tag", "t", "--platform", "linux/arm64", "."]
    monkeypatch.delenv("BASE_IMAGE", raising=False)
    assert for_this_machine(asked) == ["build", "--tag", "t", "."]
    monkeypatch.setenv("BASE_IMAGE", "base:here")
    assert for_this_machine(asked) == ["build", "--build-arg", "BASE_IMAGE=base:here", "--tag", "t", "."]
    assert for_this_machine(["tag", "a", "b"]) == ["tag", "a", "b"]


def test_from_build_to_a_running_task_as_the_cdk_cli_does_it(stage: Stage, context: Path) -> None:
    """The calls and options of cdk-assets in CDK CLI 2.1148.1, in its order."""
    ecr = aws.client("ecr", REGION)
    ecr.create_repository(repositoryName="assets")
    uri = f"{layout.ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/assets:0123abcd"
    assert shim("login", "--username", "AWS", "--password-stdin", uri.split("/")[0]).returncode == 0
    assert shim("inspect", "cdkasset-0123abcd").returncode == 1, "not built yet"
    (context / "Dockerfile").write_text('FROM python\nCMD ["python", "main.py"]\n')
    options = ("--tag", "cdkasset-0123abcd", "--file", "Dockerfile", "--platform", "linux/arm64", ".")
    built = shim("--config", "/nowhere", "build", "--build-arg", "VERSION=1", *options, folder=context)
    assert built.returncode == 0, built.stderr
    assert shim("inspect", "cdkasset-0123abcd").returncode == 0
    assert shim("tag", "cdkasset-0123abcd", uri).returncode == 0
    assert shim("push", uri).returncode == 0
    assert shim("push", uri).returncode == 0, "a second time"
    found = ecr.describe_images(repositoryName="assets", imageIds=[{"imageTag": "0123abcd"}])["imageDetails"]
    assert found[0]["imageTags"] == ["0123abcd"]
    task = stage.stopped(stage.run(stage.define({**stage.container(""), "image": uri})))
    assert stage.log(task) == "from the image\n"


def test_what_cannot_be_done_is_said(home: Path, context: Path) -> None:
    assert "there is no" in shim("build", "--tag", "t", "--file", "Absent", ".", folder=context).stderr
    assert "no such image" in shim("tag", "cdkasset-none", "x:1").stderr
    assert "not in a repository of ECR" in shim("push", "docker.io/library/x:1").stderr
    unknown = shim("run", "x")
    assert (unknown.returncode, "does not know: docker run x" in unknown.stderr) == (1, True)
