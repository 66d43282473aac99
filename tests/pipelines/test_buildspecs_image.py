"""image.yml and inspect-image.yml: the image is built by buildah, pushed to a registry here, and listed from there.

Not here: ECR's login, and its scan, whose gate has tests of its own (test_tools.py). Docker builds on AWS, with the
same script.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipelines.tools import buildspec
from pipelines.tools.buildspec import Order
from tests.pipelines.registry import registry

TAG = "localhost/spendsmart:buildspec"

pytestmark = [
    pytest.mark.image,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("buildah") or not shutil.which("mmdebstrap"),
        reason="needs root, buildah and mmdebstrap (scripts/setup dev installs them)",
    ),
]


def test_image_and_inspect_image(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    with registry(tmp_path / "blobs") as address:
        repository = f"{address}/spendsmart"
        here = {
            "IMAGE_TOOL": "buildah",
            "IMAGE_TAG": TAG,
            "RELEASE_REPOSITORY": repository,
            "SPENDSMART_CACHE": str(buildspec.ROOT / ".local" / "cache"),
        }
        try:
            built = buildspec.run(Order(name="image", variables=here, output=tmp_path / "image"))
        finally:
            subprocess.run(["buildah", "rmi", "--force", TAG], capture_output=True, check=False)
        log = (tmp_path / "image" / "log.txt").read_text()
        assert built.ok, log[-4000:]
        assert f"not run: login ({repository} is not in ECR)" in log
        assert "ok  a receipt is read" in log
        image = built.exported["IMAGE"]
        assert re.fullmatch(rf"{re.escape(repository)}@sha256:[0-9a-f]{{64}}", image)

        inspected = buildspec.run(
            Order(
                name="inspect-image",
                variables={"SETUP": "done", "IMAGE": f"registry:{image}", "SYFT_REGISTRY_INSECURE_USE_HTTP": "true"},
                skip={"pipelines.tools.inspect_image": "ECR scans, and this registry does not"},
                links=(".venv",),
                output=tmp_path / "inspect",
            )
        )
    assert inspected.ok, (tmp_path / "inspect" / "log.txt").read_text()[-4000:]
    assert [step.state for step in inspected.steps] == ["passed", "passed", "not run", "passed"]
    listed = json.loads((tmp_path / "inspect" / "out" / "inspect" / "sbom.cdx.json").read_text())["components"]
    names = {each["name"].lower() for each in listed}
    assert {"django", "celery", "pgbouncer"} <= names
    shutil.rmtree(tmp_path / "blobs")  # half a gigabyte
