"""The image, built from the Dockerfile and run: read-only, as uid 10001, without a network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TAG = "localhost/spendsmart:test"
BROKEN = "localhost/spendsmart:broken"
# The cache outlives the tests on purpose: the base alone takes half a minute.
ENVIRONMENT = os.environ | {"IMAGE_TAG": TAG, "IMAGE_TOOL": "buildah"}

pytestmark = [
    pytest.mark.image,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("buildah") or not shutil.which("mmdebstrap"),
        reason="needs root, buildah and mmdebstrap (scripts/setup dev installs them)",
    ),
]


def script(what: str, tag: str = TAG) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [REPOSITORY / "scripts" / "image", what],
        env=ENVIRONMENT | {"IMAGE_TAG": tag},
        capture_output=True,
        text=True,
        check=False,
    )


def buildah(*arguments: str) -> str:
    return subprocess.run(["buildah", *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module", autouse=True)
def built() -> Iterator[None]:
    done = script("build")
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    yield
    buildah("rmi", "--force", TAG)


@pytest.fixture
def inspected() -> dict[str, Any]:
    return json.loads(buildah("inspect", "--type", "image", TAG))["OCIv1"]


def test_it_runs_as_the_task_definitions_run_it() -> None:
    done = script("run-once")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a receipt is read" in done.stdout
    assert "NOT" not in done.stdout


def test_its_configuration(inspected: dict[str, Any]) -> None:
    config = inspected["config"]
    assert config["User"] == "10001:10001"
    assert config["WorkingDir"] == "/app"
    assert config["Volumes"] == {"/scratch": {}}
    assert "ExposedPorts" not in config
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_nothing_of_the_build_is_left_in_its_history(inspected: dict[str, Any]) -> None:
    told = json.dumps(inspected["config"]) + json.dumps(inspected["history"])
    assert "PIP_" not in told
    assert "SECRET" not in told


def test_a_broken_image_is_found_out() -> None:
    container = buildah("from", "--pull-never", TAG).strip()
    try:
        buildah("config", "--env", "PATH=/opt/venv/bin:/usr/bin:/bin", container)
        buildah("commit", "--quiet", container, BROKEN)
        done = script("run-once", BROKEN)
        assert done.returncode == 1
        assert "the image fails: pgbouncer starts" in done.stderr
    finally:
        buildah("rm", container)
        buildah("rmi", "--force", BROKEN)
