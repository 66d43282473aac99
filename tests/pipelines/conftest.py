"""The tooling account's stack is synthesized once per session."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.app import DeliveryApp
from pipelines.config import FILE
from pipelines.stack import STACK_NAME
from tests.infra.synthesized import Template


def synthesize(directory: Path, *, configuration: Path = FILE) -> Template:
    DeliveryApp(validate=False, outdir=str(directory), configuration=configuration).synth()
    body = json.loads((directory / f"{STACK_NAME}.template.json").read_text())
    return Template(name="Pipeline", region="us-east-1", body=body)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pipeline")


@pytest.fixture(scope="session")
def template(assembly: Path) -> Template:
    return synthesize(assembly)


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Path]:
    """A copy of the configuration with other values: `configured(p0_alarms="[]")`; every key is there once."""

    def write(**values: str) -> Path:
        text = FILE.read_text()
        for key, value in values.items():
            text, count = re.subn(rf"(?m)^{key} = (\[\n[^\]]*\]|.*)$", f"{key} = {value}", text)
            assert count >= 1, f"no key {key}"
        path = tmp_path / "tooling" / "pipeline.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write
